"""How times, ages and tables look."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.table import Table

from stoa_devkit.trouble import Trouble

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def table(*columns: str, right: Sequence[str] = (), rows: Iterable[Sequence[str]]) -> Table:
    """A table without lines; the columns `right` hold numbers."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def age(time: str | None) -> str:
    """How long ago a time of the API was: `3 s`, `12 min`, `5 h`, `2 d`; nothing for none."""
    if time is None:
        return ""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds()
    return span(max(seconds, 0.0))


def until(time: str | None) -> str:
    """When a time of the API will be: `in 3 s`, or `now`."""
    if time is None:
        return ""
    seconds = (datetime.fromisoformat(time) - datetime.now(UTC)).total_seconds()
    return f"in {span(seconds)}" if seconds > 0 else "now"


def span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def read_time(text: str, *, option: str) -> str:
    """A point in time for the API, from RFC 3339, a date (midnight UTC), or a span ago such as `90m`, `2h`, `7d`.

    Raises Trouble.
    """
    if text[-1:] in _UNITS and text[:-1].isdecimal():
        return (datetime.now(UTC) - timedelta(**{_UNITS[text[-1]]: int(text[:-1])})).isoformat()
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Trouble(
            f"{option} is {text!r}; write 2026-01-31T12:00:00Z, 2026-01-31, or 2h for two hours ago."
        ) from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).isoformat()


def text_of(value: Any) -> str:
    return "" if value is None else str(value)
