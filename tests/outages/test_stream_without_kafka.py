"""A client of the live stream while Kafka is away: it stays, and learns everything once when Kafka is back."""

import asyncio
import time
from collections.abc import Callable

import httpx2
from world import take_quiz

from .follower import Follower, following
from .parts import Parts
from .rounds import BACK_SECONDS
from .school import School

#: Longer than the 15 s between two heartbeats.
AWAY_SECONDS = 18.0
ATTEMPTS = 6


async def test_events_of_an_outage_are_told_once_when_kafka_is_back(school: School, parts: Parts) -> None:
    follower = Follower(school)
    made: list[str] = []
    async with following(follower):
        await _until(lambda: follower.openings == 1)
        parts.pause("kafka")
        comments = follower.comments
        for _ in range(ATTEMPTS):
            made.append(await asyncio.to_thread(_attempt, school))
            await asyncio.sleep(AWAY_SECONDS / ATTEMPTS)
        told_meanwhile, heartbeats = dict(follower.attempts), follower.comments - comments
        # It ends while it hangs: the worst of both.
        parts.kill("kafka")
        await _until(lambda: len(follower.attempts) == ATTEMPTS)
        await asyncio.sleep(3)

    assert told_meanwhile == {}
    assert heartbeats >= 1
    assert (follower.openings, follower.resets, follower.broken) == (1, [], [])
    assert follower.attempts == dict.fromkeys(made, 1)


def _attempt(school: School) -> str:
    with httpx2.Client(base_url=school.gateway, timeout=30) as api:
        return str(take_quiz(api, school.learner, school.quiz_id)["id"])


async def _until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + BACK_SECONDS
    while not is_so() and time.monotonic() < end:
        await asyncio.sleep(0.2)
