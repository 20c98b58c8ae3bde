"""What tells a record that was supplied from one of our own, for whoever reads the archive alone."""

from __future__ import annotations

from datetime import datetime

from clonedetect.archive.record import warc_date
from clonedetect.models.capture import Exchange, WireFidelity
from clonedetect.models.supplied import HeadOrigin, Origin

__all__ = ["resource_type", "supplied_fields"]


def supplied_fields(origin: Origin | None, taken_in_at: datetime) -> tuple[tuple[str, str], ...]:
    """Return the fields that mark each record of a supplied capture; none for one of our own.

    ``WARC-Source-URI`` names the file by its digest, ``WARC-Creation-Date`` is when the record was written
    here (both as other converters write them); ``WARC-Date`` is then what the file claims. A
    head that was put together says so.
    """
    if origin is None:
        return ()
    fields: tuple[tuple[str, str], ...] = (
        ("WARC-Source-URI", f"urn:{origin.file_digest}"),
        ("WARC-Creation-Date", warc_date(taken_in_at)),
        ("Clonedetect-Supplied", f"{origin.format} {origin.place}"),
    )
    if origin.head in (HeadOrigin.RECONSTRUCTED, HeadOrigin.REVISIT):
        fields += (("Clonedetect-HTTP-Head", str(origin.head)),)
    return fields


def resource_type(exchange: Exchange) -> str:
    """Return the content type of a supplied exchange that is no HTTP response, "" for any other."""
    is_http = exchange.fidelity is not WireFidelity.SUPPLIED or exchange.status is not None
    if is_http or exchange.header_length:
        return ""
    named = next((value for name, value in exchange.headers if name.lower() == "content-type"), "")
    return named or "application/octet-stream"
