"""Argon2id off the event loop, with a bounded queue.

A hash takes tens of milliseconds and megabytes on purpose. Threads take it (argon2-cffi lets go of the GIL), so that
other requests keep their latency, and a full queue is refused at once instead of growing until everybody times out.
"""

import asyncio
import os
import sys
import threading
import unicodedata
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from pwdlib.hashers.argon2 import Argon2Hasher

from stoa_common.errors import Unavailable

T = TypeVar("T")
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 128
_NICENESS = 10
_NOBODYS_PASSWORD = "nobody has this password"  # noqa: S105  # what log-ins of unknown addresses are compared with


def new_password(text: str) -> str:
    """A password that may be chosen. Raises ValueError, which never quotes it."""
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD:
        raise ValueError(f"Choose a password of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    if any(unicodedata.category(character) == "Cs" for character in text):
        # JSON can escape half of a surrogate pair, which no encoding can write.
        raise ValueError("A character of the password arrived broken. Type it again.")
    return text


class PasswordQueueIsFull(Unavailable):
    """Too many people register or log in at this moment."""


class Passwords:
    """Hashes and verifies passwords; at most `workers` at once and `queue` waiting."""

    def __init__(
        self, *, memory_kib: int, iterations: int, parallelism: int, workers: int, queue: int, least_score: int = 3
    ) -> None:
        """`least_score` is zxcvbn's, 0 to 4: below it a new password is refused."""
        self.least_score = least_score
        self._hasher = Argon2Hasher(time_cost=iterations, memory_cost=memory_kib, parallelism=parallelism)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="argon2", initializer=_step_aside)
        self._room = workers + queue
        # Of each, one hashes while one asks the database.
        self._turns = asyncio.Semaphore(2 * workers)
        self._waiting_room = workers + queue
        self._nobodys_hash = self._hasher.hash(_NOBODYS_PASSWORD)

    async def hash(self, password: str) -> str:
        """The password's Argon2id hash in PHC format. Raises PasswordQueueIsFull."""
        return await self._run(lambda: self._hasher.hash(_normal(password)))

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password fits; without a hash it takes the same time and is False. Raises PasswordQueueIsFull."""
        against = password_hash or self._nobodys_hash
        fits = await self._run(lambda: self._hasher.verify(_normal(password), against))
        return fits and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    async def run(self, work: Callable[[], T]) -> T:
        """Other work that would hold up the event loop, in the same queue. Raises PasswordQueueIsFull."""
        return await self._run(work)

    def check_room(self) -> None:
        """Raises PasswordQueueIsFull."""
        if self._room <= 0:
            raise _full()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One of a few who prove at the same time who they are. Raises PasswordQueueIsFull.

        Hundreds at once would take all connections and stand between every other request and the event loop, and be no
        sooner done: hashing is what they wait for.
        """
        if self._waiting_room <= 0:
            raise _full()
        self._waiting_room -= 1
        try:
            async with self._turns:
                yield
        finally:
            self._waiting_room += 1

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        self.check_room()
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._room += 1


def _step_aside() -> None:
    """Where a thread has a priority of its own, hashing takes what the event loop and the other services leave."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def _full() -> PasswordQueueIsFull:
    return PasswordQueueIsFull("Too many people log in right now. Try again in a few seconds.")


def _normal(password: str) -> str:
    # Keyboards differ in how they compose an accented letter (NIST SP 800-63B, section 3.1.1.2).
    return unicodedata.normalize("NFKC", password)
