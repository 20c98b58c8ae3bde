"""The rehearsal: the installed command plays a whole job against loopback servers."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from clonedetect.demo.judge import Judgement, judge, read_events, read_sites
from clonedetect.demo.network import Truth, build_network, seeds
from clonedetect.demo.platform import write_platform
from clonedetect.demo.routes import Site, load
from clonedetect.errors import DependencyError, ExitCode, InputError

__all__ = ["Rehearsal", "own_command", "prepare", "rehearse"]

_MARK = ".clonedetect-rehearsal"
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The folders and files of one rehearsal below `out`."""

    out: Path

    @property
    def platform(self) -> Path:
        """The platform's export."""
        return self.out / "platform"

    @property
    def network(self) -> Path:
        """What the loopback servers answer."""
        return self.out / "network"

    @property
    def truth(self) -> Path:
        """What was really copied; not for the scan's eyes."""
        return self.out / "truth.json"

    @property
    def grant(self) -> Path:
        """The grant over the made-up hosts."""
        return self.out / "grant.toml"

    @property
    def settings(self) -> Path:
        """What the platform says of its hosts and ids."""
        return self.out / "settings.toml"

    @property
    def seeds(self) -> Path:
        """The suspected URLs."""
        return self.out / "urls.txt"

    @property
    def events(self) -> Path:
        """The scan's JSON lines."""
        return self.out / "scan.jsonl"

    @property
    def sites(self) -> Path:
        """What is said of each site, as JSON lines."""
        return self.out / "sites.jsonl"

    @property
    def package(self) -> Path:
        """The evidence package."""
        return self.out / "package"


def prepare(out: Path) -> Rehearsal:
    """Write platform, clone network, truth and seeds below `out`.

    A folder that an earlier rehearsal left is replaced; any other that is not
    empty is refused with InputError.
    """
    out.mkdir(parents=True, exist_ok=True)
    if not (out / _MARK).exists() and any(out.iterdir()):
        raise InputError(f"{out} is not empty and no earlier rehearsal's: name another folder with --out")
    (out / _MARK).touch()
    for path in out.iterdir():  # its content and not itself, which may be "." or a link
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != _MARK:
            path.unlink()
    rehearsal = Rehearsal(out)
    write_platform(rehearsal.platform)
    network = build_network(rehearsal.network, rehearsal.truth)
    rehearsal.seeds.write_text("\n".join(seeds(network)) + "\n", encoding="utf-8")
    return rehearsal


@contextmanager
def serving(rehearsal: Rehearsal) -> Iterator[dict[str, int]]:
    """Run the loopback servers in a process of their own; yield the port of each made-up host."""
    ports = rehearsal.network / "ports.json"
    ports.unlink(missing_ok=True)
    command = [sys.executable, "-m", "clonedetect.demo.server", str(rehearsal.network)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as server:  # noqa: S603  our own module
        try:
            deadline = time.monotonic() + _PATIENCE_S
            while not ports.exists():
                if server.poll() is not None or time.monotonic() > deadline:
                    raise DependencyError("the rehearsal's servers did not start on loopback")
                time.sleep(0.02)
            yield msgspec.json.decode(ports.read_bytes(), type=dict[str, int])
        finally:
            if server.stdin:
                server.stdin.close()
            server.wait(timeout=_PATIENCE_S)


def write_grant(rehearsal: Rehearsal, ports: dict[str, int], now: datetime) -> None:
    """Write a grant over exactly the made-up hosts, answered on loopback."""
    hosts = []
    for host in ports:
        is_media = host.startswith("media.")
        rule = 'role = "media"' if is_media else 'role = "page"\napi_prefixes = ["/api"]'
        hosts.append(f'[[grant.hosts]]\nhost = "{host}"\n{rule}\n')
    resolve = "\n".join(f'"{host}" = "127.0.0.1:{port}"' for host, port in ports.items())
    rehearsal.grant.write_text(
        f"""# The rehearsal's authorization: made-up hosts, all of them answered on this machine.
[grant]
id = "rehearsal-1"
case = "REHEARSAL"
approved_by = "The rehearsal's own approver"
legal_basis = "None needed: every host is made up and runs on loopback"
purpose = "To show the whole job"
valid_from = {now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}
valid_to = {now + timedelta(hours=6):%Y-%m-%dT%H:%M:%SZ}
contact = "rehearsal@lumigram.example"

{"".join(hosts)}
[grant.limits]
max_pages = 400
max_bytes = 200_000_000
max_depth = 6
min_delay_s = 0.05

[grant.development]
allow_loopback = true
tls = false

[grant.development.resolve]
{resolve}
""",
        encoding="utf-8",
    )


def write_settings(rehearsal: Rehearsal) -> None:
    """Write what the made-up platform would say of itself."""
    rehearsal.settings.write_text(
        """# The made-up platform: its hosts, and how its pictures are numbered.
[platform]
name = "Lumigram"
hosts = ["lumigram.example"]
media_hosts = ["cdn.lumigram.example"]
asset_id_patterns = ['/(\\d{17})_']
""",
        encoding="utf-8",
    )


@dataclass(frozen=True, slots=True)
class _Stage:
    """Shows each command as a person would type it, and runs it."""

    console: Console
    rehearsal: Rehearsal

    def run(self, *arguments: str | Path, output: Path | None = None) -> int:
        """Run one command of ours and return its exit code; its standard output goes to `output` if given."""
        words = [str(word) for word in arguments]
        shown = shlex.join(["clonedetect", *words]) + (f" > {output}" if output else "")
        self.console.print(f"\n$ {shown}", style="bold", markup=False, emoji=False, soft_wrap=True)
        command = [sys.executable, "-m", "clonedetect", *words]
        if output is None:
            return subprocess.run(command, check=False).returncode  # noqa: S603  our own command
        with output.open("wb") as stream:
            return subprocess.run(command, check=False, stdout=stream).returncode  # noqa: S603

    def require(self, *arguments: str | Path, output: Path | None = None) -> None:
        """Run one command that must end in 0."""
        code = self.run(*arguments, output=output)
        if code != ExitCode.DONE:
            raise DependencyError(
                f"the rehearsal's step {arguments[0]!s} ended in {code}; see its message above"
            )


def rehearse(rehearsal: Rehearsal, console: Console, *, settings: Path | None = None) -> ExitCode:
    """Play the job over a prepared rehearsal and judge it.

    Returns DONE, or FINDINGS (1) on any required miss, anything said of the
    innocent, a wrong outcome or a package that does not verify.
    """
    out = rehearsal.out
    stage = _Stage(console, rehearsal)
    index, case = out / "index", out / "case"
    write_settings(rehearsal)
    stage.require("index", "add", index, rehearsal.platform / "posts.jsonl", "--quiet")
    for name in ("approver", "signer"):
        stage.require("key", "new", out / f"{name}.pem", output=out / f"{name}.txt")
    with serving(rehearsal) as ports:
        write_grant(rehearsal, ports, datetime.now(UTC))
        stage.require("grant", "sign", rehearsal.grant, "--key", out / "approver.pem")
        scan: list[str | Path] = [
            "scan",
            "--grant",
            rehearsal.grant,
            "--approvers",
            out / "approver.pem.pub.pem",
        ]
        scan += ["--index", index, "--case", case, "--json", f"@{rehearsal.seeds}"]
        scan += ["--settings", settings or rehearsal.settings]
        stage.require(*scan, output=rehearsal.events)
    stage.require("findings", case, "--by", "site", "--format", "table")
    stage.require("findings", case, "--by", "site", "--json", output=rehearsal.sites)
    stage.require("export", case, rehearsal.package, "--key", out / "signer.pem")
    verified = stage.run("verify", rehearsal.package, "--signer", out / "signer.pem.pub.pem")
    truth = msgspec.json.decode(rehearsal.truth.read_bytes(), type=Truth)
    with rehearsal.events.open("rb") as lines, rehearsal.sites.open("rb") as rows:
        judgement = judge(truth, *read_events(lines), read_sites(rows))
    _show(console, judgement, load(rehearsal.network).sites)
    _say_where(console, rehearsal)
    return ExitCode.FINDINGS if judgement.has_failed or verified != ExitCode.DONE else ExitCode.DONE


def _show(console: Console, judgement: Judgement, sites: tuple[Site, ...]) -> None:
    table = Table(title="\nWhat was copied, and what was said of it", title_justify="left", box=None)
    for heading in ("done to it", "copies", "confirmed", "possible", "missed"):
        table.add_column(heading, justify="left" if heading == "done to it" else "right")
    manipulations = sorted({one.copy.manipulation for one in judgement.told})
    for manipulation in manipulations:
        said = Counter(one.verdict for one in judgement.told if one.copy.manipulation == manipulation)
        row = (said.total(), said["confirmed"], said["possible"], said[""])
        table.add_row(manipulation, *(str(count) if count else "" for count in row))
    console.print(table)
    for copy in judgement.required_misses:
        _say(console, f"MISSED: {copy.manipulation} of {copy.items[0]} on {copy.page}")
    for finding in judgement.accused:
        _say(console, f"ACCUSED: {finding.page_url} of {finding.item_id}: {finding.verdict}")
    for wrong in judgement.wrong_outcomes:
        _say(console, f"WRONG: {wrong}")
    for pair in judgement.wrong_relations:
        _say(console, f"WRONGLY RELATED: {pair[0]} and {pair[1]}")
    if judgement.families:
        _say(console, "\nSites that signals put under one operator each (no verdict):")
    for family in judgement.families:
        _say(console, f"  {', '.join(family)}")
    named = ", ".join(f"{count} {ground}" for ground, count in judgement.identifiers)
    if named:
        console.print(f"\nThe platform's own identifiers on them: {named}", soft_wrap=True)
    media = sum(site.host.startswith("media.") for site in sites)
    console.print(
        f"\n{len(sites) - media} sites{' and a media host' if media else ''}, {len(judgement.told)} copies: "
        f"{judgement.count('confirmed')} confirmed, {judgement.count('possible')} shown to people,\n"
        f"{judgement.count('')} missed ({len(judgement.required_misses)} required), "
        f"{len(judgement.accused)} innocent accused",
        soft_wrap=True,
    )


def _say_where(console: Console, rehearsal: Rehearsal) -> None:
    package = rehearsal.package
    quoted, signer = shlex.quote(str(package)), shlex.quote(str(rehearsal.out / "signer.pem.pub.pem"))
    _say(console, "\nPossible asks for a person: compare both sides in the report, then say confirm")
    _say(console, "or reject with: clonedetect decide")
    _say(console, f"\nThe report:   {package / 'data' / 'report.html'}")
    _say(console, f"The package:  {package}")
    _say(console, f"Check it:     {own_command()} verify {quoted} --signer {signer}")
    _say(console, f"Or without:   cd {quoted} && sh verify.sh")


def own_command() -> str:
    """Return how a shell in this folder reaches this installation's command."""
    if shutil.which("clonedetect") is not None:
        return "clonedetect"
    script = Path(sys.executable).with_name("clonedetect")
    if not script.is_file():
        return shlex.join([sys.executable, "-m", "clonedetect"])
    below = script.is_relative_to(Path.cwd())
    return shlex.quote(str(script.relative_to(Path.cwd()) if below else script))


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, emoji=False, soft_wrap=True)
