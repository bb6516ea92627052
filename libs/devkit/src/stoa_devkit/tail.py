"""Follow the parts' logs, each line under the name of its part."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from rich.console import Console
from rich.text import Text

COLORS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_green", "bright_blue")
LARGEST_LOG_BYTES = 64 * 1024 * 1024


class Tail:
    """One log, read from wherever the last read ended."""

    def __init__(self, part: str, path: Path, *, position: int | None = None) -> None:
        self.part = part
        self._path = path
        self._position = _size(path) if position is None else position
        self._rest = b""

    def lines(self) -> Iterator[str]:
        """The lines that were finished since the last call."""
        size = _size(self._path)
        if size < self._position:
            self._position = 0
        if size == self._position:
            return
        with self._path.open("rb") as log:
            log.seek(self._position)
            *finished, self._rest = (self._rest + log.read(size - self._position)).split(b"\n")
        self._position = size
        yield from (line.decode(errors="replace") for line in finished)

    def print(self, console: Console, *, width: int) -> None:
        """Print the new lines under the part's name."""
        for line in self.lines():
            prefix = Text(f"{self.part:{width}} │ ", style=COLORS[crc32(self.part.encode()) % len(COLORS)])
            console.print(prefix.append_text(Text.from_ansi(line, style="default")), soft_wrap=True)


def last_lines(path: Path, count: int) -> int:
    """The position from which the log's last lines begin."""
    if not path.exists():
        return 0
    content = path.read_bytes()
    return len(b"".join(content.splitlines(keepends=True)[:-count])) if count else len(content)


def keep_small(path: Path) -> None:
    """Move a log that has grown too large aside. Its writer appends, so emptying it in place loses no later line."""
    if _size(path) > LARGEST_LOG_BYTES:
        shutil.copyfile(path, path.with_suffix(".log.1"))
        with path.open("r+b") as log:
            log.truncate()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
