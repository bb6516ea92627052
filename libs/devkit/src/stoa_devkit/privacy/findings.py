"""What a proof found: what can still be read, and where the id stands alone, which leads nowhere."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Findings:
    """Places with what was found there, and how often."""

    readable: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(place, what) that should not be there."""
    opaque: dict[str, str] = field(default_factory=dict)
    """Places where the bare id stays, with the reason."""
    looked_at: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Places that could not be looked at from here, with what to do instead."""

    def add(self, place: str, what: str, *, times: int = 1) -> None:
        self.readable[place, what] += times

    def keep(self, place: str, reason: str) -> None:
        self.opaque[place] = reason

    def told(self) -> dict[str, Any]:
        """For programs."""
        readable = [
            {"place": place, "what": what, "times": times} for (place, what), times in sorted(self.readable.items())
        ]
        opaque = [{"place": place, "reason": reason} for place, reason in sorted(self.opaque.items())]
        return {"readable": readable, "opaque": opaque, "looked_at": self.looked_at, "left_out": self.left_out}
