"""Progress while the platform starts: a live table in a terminal, a line a step elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

READY = "ready"


class Board:
    """Who is at which step. Safe to tell from any thread."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps: dict[str, str] = {}
        self._spinner = Spinner("dots")
        self._live: Live | None = None
        self._began = time.monotonic()

    @property
    def steps(self) -> dict[str, str]:
        """The last word about each part."""
        return dict(self._steps)

    def tell(self, part: str, step: str) -> None:
        """The part is at this step now."""
        before = self._steps.get(part, "")
        self._steps[part] = step
        # "downloading …: 3 of 46" moves the table, but is no line of its own each time.
        if self._live is None and before.split(":")[0] != step.split(":")[0]:
            self._console.print(f"{time.monotonic() - self._began:5.1f} s  {part:10} {step}", highlight=False)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the table, where there is a terminal, until the end of the block."""
        if not self._console.is_terminal:
            yield
            return
        self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=10)
        self._live.start()
        try:
            yield
        finally:
            self.close()

    def close(self) -> None:
        """Leave the table as it is; what is told later is a line each."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _render(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for part, step in self._steps.items():
            sign: RenderableType = Text("✓", style="green") if step == READY else self._spinner
            table.add_row(sign, Text(part, style="bold"), Text(step, style="dim"))
        return table
