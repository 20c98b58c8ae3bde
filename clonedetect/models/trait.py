"""What tells who runs a site: signals of an operator, which weigh something and decide nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clonedetect.models.ids import Digest, RecordId

__all__ = ["FAMILIES", "CertificateFacts", "IconPrint", "PageTraits", "Trait", "TraitFamily", "TraitKind"]


class TraitKind(StrEnum):
    """What a trait is."""

    AD_ACCOUNT = "ad account"
    ANALYTICS_ACCOUNT = "analytics account"
    AD_PLATFORM = "ad platform"
    FAVICON_MMH3 = "favicon mmh3"
    FAVICON_SHA256 = "favicon sha256"
    FAVICON_LOOK = "favicon look"
    CERTIFICATE = "certificate"
    CERTIFICATE_KEY = "certificate key"
    CERTIFICATE_NAME = "certificate name"
    CERTIFICATE_SUBJECT = "certificate subject"
    CERTIFICATE_ISSUER = "certificate issuer"
    SERVER = "server software"
    HEADER_ORDER = "header order"
    ADDRESS = "address"
    NETWORK = "network"
    TEMPLATE = "template"
    API_SHAPE = "API shape"
    URL_SHAPE = "URL shape"
    MAIL = "contact address"
    PROFILE = "social profile"


class TraitFamily(StrEnum):
    """Traits that have one cause: of a family only the strongest counts."""

    ACCOUNTS = "accounts with services"
    ICON = "icon"
    CERTIFICATE = "certificate"
    HOSTING = "hosting"
    PROGRAM = "program"
    CONTACT = "contact"


FAMILIES: dict[TraitKind, TraitFamily] = {
    TraitKind.AD_ACCOUNT: TraitFamily.ACCOUNTS,
    TraitKind.ANALYTICS_ACCOUNT: TraitFamily.ACCOUNTS,
    TraitKind.AD_PLATFORM: TraitFamily.ACCOUNTS,
    TraitKind.FAVICON_MMH3: TraitFamily.ICON,
    TraitKind.FAVICON_SHA256: TraitFamily.ICON,
    TraitKind.FAVICON_LOOK: TraitFamily.ICON,
    TraitKind.CERTIFICATE: TraitFamily.CERTIFICATE,
    TraitKind.CERTIFICATE_KEY: TraitFamily.CERTIFICATE,
    TraitKind.CERTIFICATE_NAME: TraitFamily.CERTIFICATE,
    TraitKind.CERTIFICATE_SUBJECT: TraitFamily.CERTIFICATE,
    TraitKind.CERTIFICATE_ISSUER: TraitFamily.HOSTING,
    TraitKind.SERVER: TraitFamily.HOSTING,
    TraitKind.HEADER_ORDER: TraitFamily.HOSTING,
    TraitKind.ADDRESS: TraitFamily.HOSTING,
    TraitKind.NETWORK: TraitFamily.HOSTING,
    TraitKind.TEMPLATE: TraitFamily.PROGRAM,
    TraitKind.API_SHAPE: TraitFamily.PROGRAM,
    TraitKind.URL_SHAPE: TraitFamily.PROGRAM,
    TraitKind.MAIL: TraitFamily.CONTACT,
    TraitKind.PROFILE: TraitFamily.CONTACT,
}
"""The family of each kind."""


@dataclass(frozen=True, slots=True)
class Trait:
    """One value that a site shows, and the first record that shows it.

    `site` is a registrable domain. `source` is the id of an archived record and
    `digest` that of what was read of it: the decoded body, or the block of the
    metadata record for what only the connection shows. `algorithm`, `version` and `parameters`
    say how the value is made from it. `seen` counts the records that show the value. `sketch` is a MinHash
    (128 values of four bytes, greatest first) where values are compared by likeness, else empty.
    `context` is what a reader or a rule must know besides: what the page is made with, the names a
    certificate is for.
    """

    site: str
    kind: TraitKind
    value: str
    source: RecordId
    digest: Digest
    algorithm: str
    version: int
    parameters: str = ""
    seen: int = 1
    sketch: bytes = b""
    context: str = ""

    @property
    def family(self) -> TraitFamily:
        """What the trait belongs to."""
        return FAMILIES[self.kind]


@dataclass(frozen=True, slots=True)
class PageTraits:
    """What one document says of its operator, by structure and never by its words.

    `values` holds (kind, value). `outline` are the paths of its elements and `keys` those of
    its fields where it is JSON, each once, sorted; `made_with` is the public
    system that it says it is made with, "" if none; `inline_icons` are ``data:`` URLs.
    """

    values: tuple[tuple[TraitKind, str], ...] = ()
    outline: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    made_with: str = ""
    inline_icons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IconPrint:
    """The fingerprints of an icon: MurmurHash3 as search engines have it, and its look, "" if unknown."""

    mmh3: str
    look: str


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says: digests of it and of its public key, whom it is for, who issued it.

    `subject` is empty where it names no organisation; `names` are its DNS names, in lower case, sorted.
    """

    digest: Digest
    key_digest: Digest
    subject: str
    issuer: str
    is_self_signed: bool
    names: tuple[str, ...]
