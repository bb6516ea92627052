"""What was found, beside what it must reach (floor) and what it should (aim)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rich.table import Table


class Failed(SystemExit):
    """A measurement that measured something else: what was asked for was not answered as it should."""

    def __init__(self, sentence: str) -> None:
        super().__init__(f"bench.gateway: {sentence}")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `note` says what else is worth knowing about it."""

    row: str
    measure: str
    found: float
    floor: float
    aim: float
    unit: str
    is_rate: bool = False
    note: str = ""

    @property
    def holds(self) -> bool:
        return self._reaches(self.floor)

    @property
    def reaches_aim(self) -> bool:
        return self._reaches(self.aim)

    def as_json(self) -> dict[str, Any]:
        said = {name: getattr(self, name) for name in ("row", "measure", "found", "floor", "aim", "unit", "note")}
        return {**said, "holds": self.holds, "reaches_aim": self.reaches_aim}

    def cells(self) -> tuple[str, ...]:
        sign = "≥" if self.is_rate else "≤"
        verdict = "aim" if self.reaches_aim else "yes" if self.holds else "NO"
        bounds = (f"{sign} {self._text(bound)}" for bound in (self.floor, self.aim))
        return self.measure, *bounds, self._text(self.found), verdict

    def _reaches(self, bound: float) -> bool:
        # NaN, of what could not be measured, reaches nothing.
        return self.found >= bound if self.is_rate else self.found <= bound

    def _text(self, number: float) -> str:
        digits = 0 if number == 0 or not math.isfinite(number) else max(0, 2 - math.floor(math.log10(abs(number))))
        return f"{number:,.{min(digits, 2)}f} {self.unit}".rstrip()


def table(found: Iterable[Figure], *, title: str) -> Table:
    shown = Table("measure", "floor", "aim", "found", "holds", title=title)
    for figure in found:
        shown.add_row(*figure.cells())
    return shown


def notes(found: Iterable[Figure]) -> list[str]:
    return [f"{figure.measure}: {figure.note}" for figure in found if figure.note]
