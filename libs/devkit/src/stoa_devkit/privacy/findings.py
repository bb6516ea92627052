"""What a proof found: what can still be read, and where the id stands alone, which leads nowhere."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

#: Exit codes; that no platform answers is 2, as in every command of an operator's.
READABLE: Final = 1
UNSEEN: Final = 3


@dataclass
class Findings:
    """Places with what was found there, and how often."""

    readable: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(place, what) that should not be there."""
    opaque: dict[str, str] = field(default_factory=dict)
    """Places where the bare id stays, with the reason."""
    looked_at: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Places that could not be looked into, with the reason: of these nothing is known."""

    def add(self, place: str, what: str, *, times: int = 1) -> None:
        self.readable[place, what] += times

    def keep(self, place: str, reason: str) -> None:
        self.opaque[place] = reason

    def miss(self, place: str, reason: str) -> None:
        self.left_out.append(f"{place}: {reason}")

    @property
    def verdict(self) -> str:
        """The last sentence of a proof."""
        kinds = f"{len(self.looked_at)} kinds of places"
        if self.readable:
            return f"{self.readable.total()} findings can be read ({kinds})."
        if self.left_out:
            places = "1 place" if len(self.left_out) == 1 else f"{len(self.left_out)} places"
            return f"This proves nothing: {places} could not be looked into. In the others nothing was found."
        return f"Nothing readable is left ({kinds})."

    @property
    def exit_code(self) -> int:
        """0 only where every place was looked into, and nothing was found."""
        if self.readable:
            return READABLE
        return UNSEEN if self.left_out else 0

    def told(self) -> dict[str, Any]:
        """For programs."""
        readable = [
            {"place": place, "what": what, "times": times} for (place, what), times in sorted(self.readable.items())
        ]
        opaque = [{"place": place, "reason": reason} for place, reason in sorted(self.opaque.items())]
        return {"readable": readable, "opaque": opaque, "looked_at": self.looked_at, "left_out": self.left_out}
