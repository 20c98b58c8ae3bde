"""Files of captures, written as the common tools write them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import quopri
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

HTML = "text/html; charset=utf-8"
DATE = "2026-10-01T08:30:00Z"
HOST = "http://clone.example"


def answer(body: bytes, kind: str = HTML, status: str = "200 OK", **fields: str) -> bytes:
    """Return an HTTP response as a server sends it."""
    named = {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in fields.items()}}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


def base32_sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def raw_record(kind: str, url: str, block: bytes, *, version: str = "1.0", **fields: str) -> bytes:
    """Return one WARC record; fields come with underscores for hyphens, an empty one is left out."""
    named = {
        "WARC-Type": kind,
        "WARC-Target-URI": url,
        "WARC-Date": DATE,
        "WARC-Record-ID": f"<urn:uuid:{hashlib.md5((kind + url).encode() + block).hexdigest()}>",
        "Content-Type": "application/http;msgtype=response" if kind != "resource" else "image/jpeg",
        **{name.replace("_", "-"): value for name, value in fields.items()},
        "Content-Length": str(len(block)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items() if value)
    return f"WARC/{version}\r\n{lines}\r\n".encode() + block + b"\r\n\r\n"


def wget_warc(answers: Mapping[str, bytes], *, members: bool = True) -> bytes:
    """Return a WARC 1.0 as wget writes it: brackets round addresses, SHA-1 in base32, a member a record."""
    info = b"software: Wget/1.21.3 (linux-gnu)\r\nformat: WARC File Format 1.0\r\nrobots: off\r\n"
    records = [raw_record("warcinfo", "", info, Content_Type="application/warc-fields")]
    for url, block in answers.items():
        request = f"GET {url} HTTP/1.1\r\nCookie: secret=of-the-supplier\r\n\r\n".encode()
        records.append(raw_record("request", f"<{url}>", request))
        payload = block.partition(b"\r\n\r\n")[2]
        records.append(
            raw_record(
                "response",
                f"<{url}>",
                block,
                WARC_IP_Address="203.0.113.7",
                WARC_Block_Digest=base32_sha1(block),
                WARC_Payload_Digest=base32_sha1(payload),
            )
        )
    if members:
        return b"".join(gzip.compress(record, mtime=0) for record in records)
    return b"".join(records)


def warcio_warc(answers: Iterable[tuple[str, bytes, str]], *, compressed: bool = True) -> bytes:
    """Return a WARC 1.1 as warcio writes it; answers are (address, body, content type)."""
    stream = io.BytesIO()
    writer = WARCWriter(stream, gzip=compressed, warc_version="1.1")
    for url, body, kind in answers:
        head = StatusAndHeaders("200 OK", [("Content-Type", kind)], protocol="HTTP/1.1")
        writer.write_record(
            writer.create_warc_record(
                url,
                "response",
                payload=io.BytesIO(body),
                http_headers=head,
                warc_headers_dict={"WARC-Date": DATE},
            )
        )
    return stream.getvalue()


def wacz(warcs: Mapping[str, bytes], pages: Iterable[str] = (), *, changed: bool = False) -> bytes:
    """Return a WACZ as a browser crawler writes it: stored entries, datapackage.json over all of them."""
    listed = "".join(json.dumps({"id": str(n), "url": url, "ts": DATE}) + "\n" for n, url in enumerate(pages))
    entries = {f"archive/{name}": data for name, data in warcs.items()}
    entries["pages/pages.jsonl"] = ('{"format": "json-pages-1.0", "id": "pages"}\n' + listed).encode()
    entries["indexes/index.cdx.gz"] = gzip.compress(b"com,example,clone)/ 20261001083000 {}\n", mtime=0)
    resources = [
        {
            "name": name.rpartition("/")[2],
            "path": name,
            "hash": "sha256:" + hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
        }
        for name, data in entries.items()
    ]
    package = json.dumps(
        {
            "profile": "data-package",
            "wacz_version": "1.1.1",
            "software": "Browsertrix-Crawler 1.5",
            "resources": resources,
        }
    ).encode()
    digest = json.dumps(
        {"path": "datapackage.json", "hash": "sha256:" + hashlib.sha256(package).hexdigest()}
    ).encode()
    if changed:
        entries = {name: data.replace(b"\r\n\r\n", b"\r\n\r\n ", 1) + b" " for name, data in entries.items()}
    return zipped({**entries, "datapackage.json": package, "datapackage-digest.json": digest})


def zipped(entries: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return stream.getvalue()


def har_entry(
    url: str, text: str | None, kind: str = HTML, status: int = 200, **more: object
) -> dict[str, object]:
    """Return one entry as a Chromium browser exports it; `more` goes into the response."""
    content = {"size": len(text or ""), "mimeType": kind.partition(";")[0]}
    if text is not None:
        content["text"] = text
    if more.pop("is_base64", False):
        content["encoding"] = "base64"
    return {
        "_resourceType": "document",
        "startedDateTime": "2026-10-01T10:30:00.123+02:00",
        "time": 31.4,
        "request": {
            "method": "GET",
            "url": url,
            "httpVersion": "h2",
            "headers": [
                {"name": ":authority", "value": "clone.example"},
                {"name": "cookie", "value": "sid=secret"},
            ],
            "cookies": [],
            "queryString": [],
            "headersSize": -1,
            "bodySize": 0,
        },
        "response": {
            "status": status,
            "statusText": "",
            "httpVersion": "h2",
            "headers": [
                {"name": ":status", "value": str(status)},
                {"name": "content-type", "value": kind},
                {"name": "content-encoding", "value": "br"},
                {"name": "content-length", "value": "77"},
            ],
            "cookies": [],
            "content": content,
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
            **more,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 30, "receive": 1},
        "serverIPAddress": "203.0.113.7",
    }


def har(*entries: dict[str, object]) -> bytes:
    creator = {"name": "WebInspector", "version": "537.36"}
    return json.dumps(
        {"log": {"version": "1.2", "creator": creator, "pages": [], "entries": entries}}
    ).encode()


def mhtml(page: str, parts: Iterable[tuple[Mapping[str, str], bytes]]) -> bytes:
    """Return a page as a Chromium browser saves it; each part's fields say how its body is encoded."""
    boundary = "----MultipartBoundary--kX0Qf8Zt2a----"
    text = (
        "From: <Saved by Blink>\r\n"
        f"Snapshot-Content-Location: {page}\r\n"
        "Subject: =?utf-8?Q?A=20page?=\r\n"
        "Date: Thu, 1 Oct 2026 08:30:00 -0000\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/related;\r\n\ttype="text/html";\r\n'
        f'\tboundary="{boundary}"\r\n\r\n\r\n'
    ).encode()
    for fields, body in parts:
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        text += f"--{boundary}\r\n{head}\r\n".encode() + encoded(body, fields) + b"\r\n"
    return text + f"--{boundary}--\r\n".encode()


def encoded(body: bytes, fields: Mapping[str, str]) -> bytes:
    encoding = fields.get("Content-Transfer-Encoding", "")
    if encoding == "base64":
        return base64.encodebytes(body).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        return quopri.encodestring(body).replace(b"\n", b"\r\n")
    return body


def html_part(url: str, body: bytes, **more: str) -> tuple[dict[str, str], bytes]:
    fields = {
        "Content-Type": "text/html",
        "Content-Transfer-Encoding": "quoted-printable",
        "Content-Location": url,
    }
    return {**fields, **{name.replace("_", "-"): value for name, value in more.items()}}, body


def image_part(url: str, body: bytes, **more: str) -> tuple[dict[str, str], bytes]:
    fields = {"Content-Type": "image/jpeg", "Content-Transfer-Encoding": "base64", "Content-Location": url}
    named = {**fields, **{name.replace("_", "-"): value for name, value in more.items()}}
    return {name: value for name, value in named.items() if value}, body


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
