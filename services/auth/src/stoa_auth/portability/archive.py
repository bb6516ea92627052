"""The archive as it is sent: a ZIP, made while it is read, so that it is never whole in memory nor on a disk."""

import asyncio
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

import orjson

README: Final = "README.txt"


class _Sink:
    """What the ZIP's writer writes to: a stream without a place to go back to."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


async def packed(files: AsyncIterator[tuple[str, bytes]], *, at: datetime) -> AsyncIterator[bytes]:
    """The ZIP of these files, in pieces of about a file each."""
    sink = _Sink()
    bundle = zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED)
    async for name, content in files:
        # Off the event loop: a large table takes a while.
        await asyncio.to_thread(_add, bundle, name, content, at)
        yield sink.take()
    bundle.close()
    yield sink.take()


def _add(bundle: zipfile.ZipFile, name: str, content: bytes, at: datetime) -> None:
    entry = zipfile.ZipInfo(name, date_time=at.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    bundle.writestr(entry, content)


def readable(rows: bytes) -> bytes:
    """A table as people like to look at it."""
    return orjson.dumps(orjson.loads(rows), option=orjson.OPT_INDENT_2)
