"""What the person at the terminal sees while the demo runs."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Screen:
    """Progress bars by name, on standard error; where that is no terminal, a line for each that is full."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, name: str, sentence: str, *, total: int) -> None:
        self._tasks[name] = self._bars.add_task(sentence, total=total)

    def advance(self, name: str) -> None:
        self._bars.advance(self._tasks[name])
        self._say_if_full(name)

    def reach(self, name: str, count: float) -> None:
        """Set a bar to a place instead of moving it on."""
        was_full = self._is_full(name)
        self._bars.update(self._tasks[name], completed=round(count))
        if not was_full:
            self._say_if_full(name)

    def fill(self, name: str) -> None:
        """Full, whatever was expected."""
        was_full = self._is_full(name)
        self._bars.update(self._tasks[name], completed=self._bars.tasks[self._tasks[name]].total)
        if not was_full:
            self._say_if_full(name)

    def _is_full(self, name: str) -> bool:
        task = self._bars.tasks[self._tasks[name]]
        return task.total is not None and task.completed >= task.total

    def _say_if_full(self, name: str) -> None:
        if self._bars.disable and self._is_full(name):
            task = self._bars.tasks[self._tasks[name]]
            self._console.print(f"{task.description}: {task.completed:.0f}", highlight=False)
