"""A timestamp authority on loopback: a made root and a made key, answering with ``openssl ts -reply``."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)
_LONG = "An authority whose certificate is longer than its root's"
"""Sent in front of a shorter one, it makes a set that is not sorted, which is no DER."""
_CONFIG = """[tsa]
default_tsa = made
[made]
serial = serial
signer_cert = signer.pem
{chain}
signer_key = signer.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


def require_openssl() -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
    ends: datetime,
    *extensions: tuple[x509.ExtensionType, bool],
    serial: int = 0,
) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(ends - 400 * DAY)
        .not_valid_after(ends)
    )
    for extension, is_critical in extensions:
        builder = builder.add_extension(extension, is_critical)
    return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM)


@dataclass
class Authority:
    """Answers queries; `answer` may be replaced, `asked` holds (path, headers, query) of each request."""

    folder: Path
    url: str = ""
    answer: Callable[[bytes], tuple[int, dict[str, str], bytes]] = field(init=False)
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    swapped: tuple[bytes, bytes] = (b"", b"")
    """A certificate in the answers, and what stands there instead."""

    def __post_init__(self) -> None:
        self.answer = self.stamp

    @property
    def roots(self) -> Path:
        return self.folder / "roots.pem"

    def reply(self, query: bytes) -> bytes:
        """Return what ``openssl ts`` says to `query`."""
        (self.folder / "query").write_bytes(query)
        subprocess.run(
            ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "answer"],
            cwd=self.folder,
            capture_output=True,
            check=True,
        )
        answer = (self.folder / "answer").read_bytes()
        return answer.replace(*self.swapped) if self.swapped[0] else answer

    def stamp(self, query: bytes) -> tuple[int, dict[str, str], bytes]:
        return 200, {"Content-Type": "application/timestamp-reply"}, self.reply(query)

    def fail(self, query: bytes) -> tuple[int, dict[str, str], bytes]:
        return 503, {}, b""


def make_authority(
    folder: Path, *, sends_chain: bool = False, ends: datetime | None = None, is_for_time: bool = True
) -> Authority:
    """Make root, key and configuration; an `ends` in the past makes its certificate expired."""
    require_openssl()
    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    of_ca = ((x509.BasicConstraints(ca=True, path_length=None), True),)
    ends = ends or now + 30 * DAY
    own = f"Root {x509.random_serial_number():x}"[:20]  # two roots of one name would be one to a verifier
    roots = _certificate(own, root, own, root, now + 300 * DAY, *of_ca)

    def signer_for(use: x509.ObjectIdentifier) -> bytes:
        extension = (x509.ExtendedKeyUsage([use]), True)
        return _certificate(_LONG, key, own, root, ends, extension, serial=4711)

    signer = signer_for(ExtendedKeyUsageOID.TIME_STAMPING)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "roots.pem").write_bytes(roots)
    (folder / "signer.pem").write_bytes(signer)
    (folder / "signer.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(_CONFIG.format(chain="certs = roots.pem" if sends_chain else ""))
    made = Authority(folder)
    if not is_for_time:
        # openssl signs with no such certificate: it is put where the right one stood, being as long.
        right = _der(signer)
        others = iter(lambda: _der(signer_for(ExtendedKeyUsageOID.CODE_SIGNING)), b"")
        made.swapped = (right, next(one for one in others if len(one) == len(right)))
    return made


def _der(pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


@contextmanager
def serving(authority: Authority) -> Iterator[Authority]:
    """Serve on a loopback port for the time of the block."""
    turn = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            with turn:
                authority.asked.append((self.path, dict(self.headers), query))
                status, headers, body = authority.answer(query)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    authority.url = f"http://127.0.0.1:{server.server_port}/tsr"
    try:
        yield authority
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def new_authority(tmp_path: Path) -> Iterator[Callable[..., Authority]]:
    """Make authorities, each with a root of its own, that serve until the test ends."""
    running = []

    def make(**options: object) -> Authority:
        folder = Path(tempfile.mkdtemp(prefix="authority-", dir=tmp_path))
        running.append(serving(make_authority(folder, **options)))  # type: ignore[arg-type]
        return running[-1].__enter__()

    yield make
    for one in running:
        one.__exit__(None, None, None)


@pytest.fixture
def authority(new_authority: Callable[..., Authority]) -> Authority:
    return new_authority()
