"""A load of many kinds through the gateway; each kind asks in its own way, and knows what must be true afterwards."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from .catalogs import Catalogs
from .credentials import Credentials
from .promises import Answer, Ask
from .reading import Reads
from .school import School
from .sending import Sender
from .tutor import Tutor
from .uploads import Uploads
from .writing import Attempts, Writes, kept_attempts


class Kind(Protocol):
    """Some of the load."""

    @property
    def asks(self) -> Sequence[Ask]:
        """What it sends."""
        ...

    async def run(self, sender: Sender) -> None:
        """Until the sender is over; every write that was begun is brought to its end."""
        ...

    async def wrong_afterwards(self, sender: Sender) -> list[str]:
        """What is not as it should be when all is well again."""
        ...


class Load:
    """Asks until it is stopped."""

    def __init__(self, school: School) -> None:
        self.school = school
        self.sender = Sender(school)
        self._taken = Attempts()
        self._kinds: list[Kind] = [
            Reads(school),
            Catalogs(school),
            Writes(school, self._taken),
            Credentials(school, self._taken),
            Tutor(school),
            Uploads(),
        ]

    @property
    def answers(self) -> list[Answer]:
        return self.sender.answers

    @property
    def broken(self) -> list[str]:
        return self.sender.broken

    @property
    def attempts(self) -> dict[str, float]:
        """When each attempt at the quiz was answered for the first time, by its id."""
        return self._taken.answered

    @property
    def asks(self) -> list[Ask]:
        return [ask for kind in self._kinds for ask in kind.asks]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Asked meanwhile."""
        self._taken.earlier = await kept_attempts(self.school)
        tasks = [asyncio.create_task(kind.run(self.sender)) for kind in self._kinds]
        try:
            yield
        finally:
            self.sender.end()
            await asyncio.gather(*tasks)

    async def wrong_afterwards(self) -> list[str]:
        """What each kind finds when all is well again."""
        return [what for kind in self._kinds for what in await kind.wrong_afterwards(self.sender)]
