"""Asking again while a part of the platform is coming back."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import httpx2

from stoa_devkit.trouble import Trouble

T = TypeVar("T")

COMES_BACK = frozenset({502, 503, 504})
"""What the gateway answers while the part behind it is down."""


class PartIsDown(Exception):
    """The gateway answered, but a part behind it could not; worth asking again."""


@dataclass(frozen=True)
class Patience:
    """How long to ask again. A killed part is back within seconds; a broker and its groups take up to a minute."""

    seconds: float = 90.0
    first_wait: float = 0.25
    longest_wait: float = 3.0

    def wait_before(self, attempt: int) -> float:
        """Seconds before the attempt with this number, the first being 1: doubled each time, and spread.

        Spread, because learners who lost their connection together would otherwise come back together.
        """
        doubled: float = self.first_wait * 2.0 ** min(attempt - 1, 10)
        return min(doubled, self.longest_wait) * random.uniform(0.7, 1.0)  # noqa: S311 - no secret


async def patiently(ask: Callable[[], Awaitable[T]], patience: Patience) -> T:
    """What `ask` gives, asked again after broken connections and parts that are down; raises Trouble at the end.

    `ask` must be safe to repeat: it reads, or it sends the same Idempotency-Key each time.
    """
    deadline = time.monotonic() + patience.seconds
    attempt = 0
    while True:
        try:
            return await ask()
        except (httpx2.TransportError, PartIsDown) as error:
            attempt += 1
            wait = patience.wait_before(attempt)
            if time.monotonic() + wait > deadline:
                raise Trouble(
                    f"The platform did not come back within {patience.seconds:.0f} s: {_why(error)}"
                ) from error
        await asyncio.sleep(wait)


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
