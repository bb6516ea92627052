"""What is looked for: a person's id, and canaries, that is texts which only that person brought in."""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import quote
from uuid import UUID

ID: Final = "id"
#: Of shorter texts, what is left of base64 would be found anywhere.
_SHORTEST_ENCODED: Final = 6


@dataclass(frozen=True)
class Needle:
    """One thing to look for, in all the forms in which it may be written."""

    name: str
    forms: tuple[bytes, ...]

    def is_in(self, content: bytes, *, lowered: bytes) -> bool:
        """Whether any of the forms stands in what was read; letters' case does not matter."""
        return any(form in content or form.lower() in lowered for form in self.forms)


@dataclass(frozen=True)
class Needles:
    """Everything that one proof looks for."""

    person_id: UUID
    texts: tuple[str, ...]

    @property
    def id(self) -> Needle:
        """The id as it is written, and as the bytes that it is."""
        return Needle(ID, (str(self.person_id).encode(), self.person_id.hex.encode(), self.person_id.bytes))

    @property
    def canaries(self) -> list[Needle]:
        return [Needle(f"canary {number}", forms_of(text)) for number, text in enumerate(self.texts, start=1)]

    @cached_property
    def all(self) -> list[Needle]:
        return [self.id, *self.canaries]

    @cached_property
    def longest(self) -> int:
        """How many bytes the longest form of any needle has."""
        return max(len(form) for needle in self.all for form in needle.forms)

    def found_in(self, contents: Iterable[bytes | None]) -> set[str]:
        """Names of the needles that stand in any of these."""
        present = [(content, content.lower()) for content in contents if content]
        return {needle.name for needle in self.all if any(needle.is_in(c, lowered=low) for c, low in present)}


def forms_of(text: str) -> tuple[bytes, ...]:
    """As it is; in JSON with escapes; in a URL; in a row's text; in base64, wherever in it it begins."""
    plain = text.encode()
    written = [
        plain,
        json.dumps(text)[1:-1].encode(),
        json.dumps(text, ensure_ascii=False)[1:-1].encode(),
        quote(text, safe="").encode(),
    ]
    if len(plain) >= _SHORTEST_ENCODED:
        written += [encoded for shift in range(3) for encoded in _base64(plain, shift)]
    return tuple(dict.fromkeys(written))


def _base64(plain: bytes, shift: int) -> list[bytes]:
    """The part of base64 that depends on this text alone, where so many bytes stand before it."""
    first = (0, 2, 3)[shift]
    last = -((3 - (len(plain) + shift) % 3) % 3 + 1) if (len(plain) + shift) % 3 else None
    encoded = base64.b64encode(b"\0" * shift + plain)[first:last]
    return [encoded, encoded.translate(bytes.maketrans(b"+/", b"-_"))]
