"""How an API key is written: `stoa_<prefix>_<secret>`, the last six characters a checksum of all before them.

The prefix may be shown; it names the key in lists. The secret has 256 random bits, so a plain SHA-256 of it is enough
to keep. The checksum (CRC-32 in base 62) lets scanners, and whoever mistypes a key, tell keys from other text without
asking anybody; it protects nothing.
"""

import hashlib
import re
import secrets
import string
import zlib
from typing import Final

MARK: Final = "stoa_"
_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PREFIX_DIGITS: Final = string.digits + string.ascii_lowercase
_PREFIX_LENGTH: Final = 10
#: 62^43 is a little more than 2^256.
_SECRET_LENGTH: Final = 43
#: 62^6 is more than 2^32.
_CHECKSUM_LENGTH: Final = 6
#: What a scanner looks for before it compares the checksum.
PATTERN: Final = f"{MARK}[0-9a-z]{{{_PREFIX_LENGTH}}}_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}"
LENGTH: Final = len(MARK) + _PREFIX_LENGTH + 1 + _SECRET_LENGTH + _CHECKSUM_LENGTH
_WRITTEN: Final = re.compile(PATTERN, re.ASCII)


def new_key() -> str:
    """A key that nobody has had."""
    body = f"{MARK}{_chosen(_PREFIX_DIGITS, _PREFIX_LENGTH)}_{_chosen(_DIGITS, _SECRET_LENGTH)}"
    return body + _checksum(body)


def find_prefix(text: str) -> str | None:
    """The prefix of a key; None for text that can't be one, be it cut short, mistyped or changed in case."""
    if not _WRITTEN.fullmatch(text):
        return None
    body, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    return body[len(MARK) : len(MARK) + _PREFIX_LENGTH] if _checksum(body) == checksum else None


def is_meant_as_key(text: str) -> bool:
    """Whether somebody wanted to show a key, perhaps a mistyped one: it holds a secret all the same."""
    return text.lstrip()[: len(MARK)].lower() == MARK


def digest(key: str) -> bytes:
    """What is kept of a key, and what it is known by in memory."""
    return hashlib.sha256(key.encode("utf-8", errors="replace")).digest()


def _chosen(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _checksum(body: str) -> str:
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
