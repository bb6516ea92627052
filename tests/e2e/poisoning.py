"""Events that no service can read, as Kafka has them: each service sets them aside, for operators to look at."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from aiokafka import AIOKafkaProducer
from conftest import Platform
from people import ok

from stoa_common import clock
from stoa_common.ids import new_id
from stoa_common.testing.delivery import an_envelope
from stoa_common.testing.poison import poisoned
from stoa_devkit.state import State
from stoa_events.contracts.auth import UserErased

TOPIC = "auth.user"
MANY = 6
SECONDS = 60.0
#: A try of an event that is due sooner may have begun.
FAR_SECONDS = 2.0


class Poison:
    """What is set aside is listed to operators, whose headers are given."""

    def __init__(self, api: httpx2.Client, platform: Platform) -> None:
        self._api = api
        state = State(Path(platform.environment["STOA_STATE_DIR"]))
        asyncio.run(_publish(f"127.0.0.1:{state.port('kafka')}"))

    def parked(self, service: str, headers: Mapping[str, str]) -> str:
        """The position of one that may be retried, mended and discarded."""
        found = self._until(f"/api/v1/{service}/messaging/parked", headers, _is_open)
        return str(found["position"])

    def bad_event(self, service: str, headers: Mapping[str, str]) -> dict[str, str]:
        """Where one is that a batch group could not read."""
        found = self._until(f"/api/v1/{service}/messaging/bad-events", headers, lambda _: True)
        return {name: str(found[name]) for name in ("group", "topic", "partition", "offset")}

    def _until(self, path: str, headers: Mapping[str, str], fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        until = time.monotonic() + SECONDS
        while True:
            listed = ok(self._api.get(path, params={"limit": "200"}, headers=dict(headers)))["items"]
            if found := [each for each in listed if fits(each)]:
                return dict(found[0])
            assert time.monotonic() < until, f"Nothing is at {path}."
            time.sleep(0.2)


def _is_open(parked: dict[str, Any]) -> bool:
    if parked["state"] == "discarded":
        return False
    due = parked["next_try_at"]
    return due is None or datetime.fromisoformat(due) > datetime.now(UTC) + timedelta(seconds=FAR_SECONDS)


async def _publish(kafka: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for _ in range(MANY):
            event = UserErased(person_id=new_id(), erased_at=clock.now())
            headers, value = poisoned("bad-json", an_envelope(event), event.data())
            await producer.send_and_wait(TOPIC, value, key=event.subject.encode(), headers=headers)
