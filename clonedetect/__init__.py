"""Find republished posts, photographs and captions, and export evidence of it.

The way through the package is one line: a signed grant permits a URL, the
crawler captures it, the archive keeps the bytes, and everything after that
(extraction, signals, candidates, confirmation, verdicts, the package) is a
pure function of archived records, one index snapshot and settings.
"""

__version__ = "0.1.0"
