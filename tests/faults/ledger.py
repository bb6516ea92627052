"""The ledger: what the client meant to do, written and synced before it does it, and what it was told.

It lies in a file outside the system, so that no part of the system can lose what it is held to.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID


class Answer(StrEnum):
    """What the client knows of a command. UNKNOWN is allowed either way: the connection died, or a 5xx came."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass
class Intent:
    """One command, as it was meant, and the answer to it."""

    command_id: UUID
    lessons: int
    is_graded: bool
    answer: Answer = Answer.UNKNOWN


class Ledger:
    """Lines of JSON. Those that are written at the same time share one fsync."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._path = path
        self._lines: list[bytes] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()

    async def write(self, **entry: Any) -> None:
        """Returns when the line is on the disk."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.append(json.dumps(entry, default=str).encode() + b"\n")
        self._waiting.append(written)
        self._wake.set()
        await written

    async def keep(self) -> None:
        """Sync what comes in, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            lines, self._lines = self._lines, []
            waiting, self._waiting = self._waiting, []
            await asyncio.to_thread(self._sync, b"".join(lines))
            for written in waiting:
                if not written.done():
                    written.set_result(None)

    def read(self) -> dict[UUID, Intent]:
        """All intents with their answers, from the file."""
        intents: dict[UUID, Intent] = {}
        for entry in self._entries():
            if "intends" in entry:
                command_id = UUID(entry["intends"])
                intents[command_id] = Intent(command_id, entry["lessons"], entry["is_graded"])
            else:
                intents[UUID(entry["told"])].answer = Answer(entry["answer"])
        return intents

    def _sync(self, lines: bytes) -> None:
        self._file.write(lines)
        os.fsync(self._file.fileno())

    def _entries(self) -> Iterator[dict[str, Any]]:
        with self._path.open("rb") as lines:
            yield from map(json.loads, lines)
