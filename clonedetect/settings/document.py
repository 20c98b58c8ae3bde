"""The settings as values, as a document, and as the digest that verdicts carry."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields

from clonedetect.errors import InputError
from clonedetect.models.calibration import Departure, departures
from clonedetect.models.ids import Digest, digest_of
from clonedetect.models.platform import ExpiryParameter, Platform
from clonedetect.models.settings import ImageThresholds, TextThresholds
from clonedetect.toml import Table, load_toml, toml_value

__all__ = [
    "Allow",
    "Banks",
    "Claimant",
    "Platform",
    "Settings",
    "Signals",
    "Signing",
    "Thresholds",
    "Timestamp",
    "parse_settings",
    "settings_values",
]

BUILT_IN = "built-in"
"""The source of a value that no file gives."""


@dataclass(frozen=True, slots=True)
class Allow:
    """Who may show the platform's content; hits there are shown, not accused.

    `domains` are registrable; `federation` says that the platform's posts are
    copied by a protocol of federation, to servers that nobody can list.
    """

    domains: tuple[str, ...] = ()
    federation: bool = False


@dataclass(frozen=True, slots=True)
class Banks:
    """Files and folders of content that proves nothing, or must not be touched.

    `negative_images` are pictures or folders of them, `common_phrases` texts of
    one phrase a line, `background` texts of one text a line that say how people
    write, `blocked_digests` lists of one SHA-256 a line.
    """

    negative_images: tuple[str, ...] = ()
    common_phrases: tuple[str, ...] = ()
    background: tuple[str, ...] = ()
    blocked_digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signals:
    """Signals of pictures beside the program's own, by name; they propose and never confirm."""

    active: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What decides, per signal."""

    image: ImageThresholds = field(default_factory=ImageThresholds)
    text: TextThresholds = field(default_factory=TextThresholds)

    @property
    def departures(self) -> tuple[Departure, ...]:
        """Those that are not at their calibrated values."""
        return (*departures(self.image), *departures(self.text))


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims, for notices."""

    name: str = ""
    address: str = ""
    email: str = ""
    rights_basis: str = ""


@dataclass(frozen=True, slots=True)
class Signing:
    """The seal's private key (a path), who acts, and the files of public keys whose grants are accepted."""

    key: str = ""
    actor: str = ""
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Timestamp:
    """URLs of RFC 3161 authorities, and the PEM file of the roots they chain to."""

    authorities: tuple[str, ...] = ()
    roots: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a run; equal settings have equal digests, wherever they were written."""

    platform: Platform = field(default_factory=Platform)
    allow: Allow = field(default_factory=Allow)
    banks: Banks = field(default_factory=Banks)
    signals: Signals = field(default_factory=Signals)
    thresholds: Thresholds = field(default_factory=Thresholds)
    claimant: Claimant = field(default_factory=Claimant)
    signing: Signing = field(default_factory=Signing)
    timestamp: Timestamp = field(default_factory=Timestamp)

    @property
    def digest(self) -> Digest:
        """The digest of `to_toml`, which stands in every verdict."""
        return digest_of(self.to_toml().encode("utf-8"))

    def to_toml(self) -> str:
        """Return every value, built-in ones too, in fixed order; it parses to equal settings."""
        parts: list[str] = []
        section = ""
        for key, value in settings_values(self):
            table, _, name = key.rpartition(".")
            if table != section:
                parts.append(f"{'' if not parts else chr(10)}[{table}]")
                section = table
            parts.append(f"{name} = {toml_value(value)}")
        return "\n".join(parts) + "\n"


def settings_values(settings: Settings) -> tuple[tuple[str, object], ...]:
    """Return (full key, value) of every setting, in the order of the document."""
    values: list[tuple[str, object]] = []
    for section in fields(settings):
        part = getattr(settings, section.name)
        sections = (
            [(f"thresholds.{kind.name}", getattr(part, kind.name)) for kind in fields(part)]
            if isinstance(part, Thresholds)
            else [(section.name, part)]
        )
        for prefix, record in sections:
            for entry in fields(record):
                value = getattr(record, entry.name)
                # 60 and 60.0 are one threshold and must be one digest.
                values.append((f"{prefix}.{entry.name}", float(value) if entry.type == "float" else value))
    return tuple(values)


def parse_settings(data: bytes, *, name: str) -> tuple[Settings, dict[str, str]]:
    """Parse a settings file; return the settings, and the source of each value by full key.

    A source is ``NAME:LINE`` or "built-in". Raises InputError naming file,
    line and key for unknown keys, wrong types and values out of range.
    """
    root = load_toml(data, name=name, error=InputError, known=_names(Settings))
    settings = Settings(
        platform=_platform(root),
        allow=_allow(root),
        banks=_banks(root),
        signals=Signals(_section(root, "signals", Signals).texts("active", ())),
        thresholds=_thresholds(root),
        claimant=_claimant(root),
        signing=_signing(root),
        timestamp=_timestamp(root),
    )
    sources = {key: _source(root, key, name) for key, _ in settings_values(settings)}
    return settings, sources


def _names(kind: type) -> tuple[str, ...]:
    return tuple(entry.name for entry in fields(kind))


def _section(root: Table, key: str, kind: type) -> Table:
    return root.table(key, _names(kind))


def _source(root: Table, key: str, name: str) -> str:
    *sections, last = key.split(".")
    table = root
    for section in sections:
        table = table.table(section, None)
    return f"{name}:{table.line(last)}" if last in table else BUILT_IN


def _platform(root: Table) -> Platform:
    table = _section(root, "platform", Platform)
    standard = Platform()
    return Platform(
        name=table.text("name", ""),
        hosts=table.parsed("hosts", _host, ()),
        media_hosts=table.parsed("media_hosts", _host, ()),
        asset_id_patterns=table.parsed("asset_id_patterns", _pattern, standard.asset_id_patterns),
        shortcode_patterns=table.parsed("shortcode_patterns", _pattern, standard.shortcode_patterns),
        numeric_id_patterns=table.parsed("numeric_id_patterns", _pattern, standard.numeric_id_patterns),
        handle_patterns=table.parsed("handle_patterns", _pattern, standard.handle_patterns),
        shortcode_is_id=table.flag("shortcode_is_id", standard.shortcode_is_id),
        id_time_shift=table.integer("id_time_shift", standard.id_time_shift, 0, 63),
        id_epoch_ms=table.integer("id_epoch_ms", standard.id_epoch_ms, 0, 2**43),
        expiry_parameters=table.parsed("expiry_parameters", _expiry, standard.expiry_parameters),
        marks=table.texts("marks", ()),
    )


def _allow(root: Table) -> Allow:
    table = _section(root, "allow", Allow)
    return Allow(domains=table.parsed("domains", _host, ()), federation=table.flag("federation", False))


def _banks(root: Table) -> Banks:
    table = _section(root, "banks", Banks)
    return Banks(**{key: table.texts(key, ()) for key in _names(Banks)})


def _claimant(root: Table) -> Claimant:
    table = _section(root, "claimant", Claimant)
    return Claimant(
        name=table.text("name", ""),
        address=table.text("address", "", is_prose=True),
        email=table.text("email", ""),
        rights_basis=table.text("rights_basis", "", is_prose=True),
    )


def _signing(root: Table) -> Signing:
    table = _section(root, "signing", Signing)
    return Signing(
        key=table.text("key", ""), actor=table.text("actor", ""), approvers=table.texts("approvers", ())
    )


def _timestamp(root: Table) -> Timestamp:
    table = _section(root, "timestamp", Timestamp)
    return Timestamp(authorities=table.parsed("authorities", _authority, ()), roots=table.text("roots", ""))


# name: (lowest, highest); shares and their likes are 0-1.
_IMAGE_COUNTS = {
    "candidate_radius": (0, 128),
    "exact_radius": (0, 128),
    "strong_inliers": (4, 10_000),
    "inliers": (4, 10_000),
    "possible_inliers": (4, 10_000),
}
# What is shown to people must be no stricter than what is confirmed.
_ORDER = (
    ("image", "exact_radius", "candidate_radius"),
    ("image", "possible_inliers", "inliers"),
    ("image", "inliers", "strong_inliers"),
    ("image", "possible_agree", "agree"),
    ("text", "possible_bits", "confirmed_bits"),
    ("text", "coverage", "confirmed_coverage"),
)


def _thresholds(root: Table) -> Thresholds:
    table = _section(root, "thresholds", Thresholds)
    image, text = _section(table, "image", ImageThresholds), _section(table, "text", TextThresholds)
    thresholds = Thresholds(_image_thresholds(image), _text_thresholds(text))
    for kind, lower, higher in _ORDER:
        part = getattr(thresholds, kind)
        if getattr(part, lower) > getattr(part, higher):
            section = image if kind == "image" else text
            key = lower if lower in section else higher
            raise section.error(key, f"{lower} must not be over {higher}")
    return thresholds


def _image_thresholds(table: Table) -> ImageThresholds:
    standard = ImageThresholds()
    found: dict[str, int | float] = {}
    for key in _names(ImageThresholds):
        default = getattr(standard, key)
        if key in _IMAGE_COUNTS:
            found[key] = table.integer(key, default, *_IMAGE_COUNTS[key])
        else:
            found[key] = table.number(key, default, 0, 1)
    return ImageThresholds(**found)  # type: ignore[arg-type]  # whole numbers where _IMAGE_COUNTS says so


def _text_thresholds(table: Table) -> TextThresholds:
    standard = TextThresholds()
    return TextThresholds(
        possible_bits=table.number("possible_bits", standard.possible_bits, 0, 100_000),
        confirmed_bits=table.number("confirmed_bits", standard.confirmed_bits, 0, 100_000),
        coverage=table.number("coverage", standard.coverage, 0, 1),
        density=table.number("density", standard.density, 0, 1),
        confirmed_coverage=table.number("confirmed_coverage", standard.confirmed_coverage, 0, 1),
        account_posts=table.integer("account_posts", standard.account_posts, 1, 1_000),
    )


def _host(text: str) -> str:
    host = text.lower().removesuffix(".")
    if not re.fullmatch(r"(?:[\w-]+\.)*[\w-]+", host):
        raise ValueError("not a host name")
    return host


def _pattern(text: str) -> str:
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise ValueError(f"not a regular expression ({error})") from None
    if groups != 1:
        raise ValueError(f"must have one group around the id, not {groups}")
    return text


def _expiry(text: str) -> str:
    ExpiryParameter.parse(text)
    return text


def _authority(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/@\\]+(?:/\S*)?", text, re.ASCII):
        raise ValueError("not an http(s) URL")
    return text
