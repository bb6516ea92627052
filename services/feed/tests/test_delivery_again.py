"""What is sent once more or by another: replays by id, place or time, and what a killed deliverer had in hand."""

import asyncio
import sys
from typing import Any

import httpx2

from stoa_common.resources import Resources
from stoa_common.security import Principal
from stoa_common.testing import Identities
from stoa_feed.settings import Settings

from .hooks import Hooks, Work
from .receivers import (
    answer,
    hang,
    receiving,
)


async def test_several_deliverers_send_each_event_once(hooks: Hooks, work: Work, publish: Any) -> None:
    async with receiving() as first, receiving() as second:
        for receiver in (first, second):
            await hooks.make(receiver.url)
        event_ids = await publish(60)
        running = [asyncio.create_task(work.deliverer().run()) for _ in range(3)]
        async with asyncio.timeout(30):
            while len(first.ids) + len(second.ids) < 120:
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        for task in running:
            task.cancel()
        await asyncio.wait(running)

    assert sorted(first.ids) == sorted(second.ids) == sorted(event_ids)


async def test_one_delivery_is_replayed_under_its_id(hooks: Hooks, work: Work, publish: Any) -> None:
    async with receiving() as receiver:
        webhook = await hooks.make(receiver.url)
        first, _ = await publish(2)
        await work.until_quiet()
        [wanted] = [d for d in await hooks.deliveries(webhook) if d["event_id"] == first]
        again = await hooks.ask("POST", f"/{webhook['id']}/deliveries/{wanted['id']}/replay", status=202)
        await work.until_quiet()

    assert receiver.ids.count(first) == 2
    assert (await hooks.ask("GET", f"/{webhook['id']}/deliveries/{again['id']}"))["status"] == "delivered"


async def test_everything_after_a_place_or_a_time_is_replayed(
    hooks: Hooks, work: Work, publish: Any, client: httpx2.AsyncClient, identities: Identities, admin: Principal
) -> None:
    async with receiving() as receiver:
        webhook = await hooks.make(receiver.url)
        event_ids = await publish(10)
        await work.until_quiet()
        page = await client.get("/api/v1/feed/events", params={"limit": 4}, headers=identities.headers(admin))
        receiver.requests.clear()

        path = f"/{webhook['id']}/replay"
        told = await hooks.ask("POST", path, status=202, json={"after": page.json()["next"]})
        await work.until_quiet()
        after = sorted(receiver.ids)
        receiver.requests.clear()
        await hooks.ask("POST", path, status=202, json={"since": "2020-01-01T00:00:00Z"})
        await work.until_quiet()

    assert told == {"from_number": 4, "until_number": 10}
    assert after == sorted(event_ids[4:])
    assert sorted(receiver.ids) == sorted(event_ids)


KILLED = """
import asyncio, sys
from ipaddress import ip_network
from stoa_common.database import Database
from stoa_feed.webhooks.deliverer import Deliverer
from stoa_feed.webhooks.provider import Sender
from stoa_feed.webhooks.sealing import Sealer
from datetime import timedelta

async def main() -> None:
    sender = Sender(allow_http=True, allowed=[ip_network("127.0.0.2/32")])
    deliverer = Deliverer(Database(sys.argv[1]), sender, Sealer(sys.argv[2]), lease=timedelta(seconds=2))
    await deliverer.run()

asyncio.run(main())
"""


async def test_what_a_killed_deliverer_had_in_hand_is_sent_by_the_next(
    hooks: Hooks, work: Work, publish: Any, resources: Resources
) -> None:
    settings = resources.get(Settings)
    assert settings.database_url is not None
    secrets = (settings.database_url.get_secret_value(), settings.webhook_secret.get_secret_value())
    async with receiving(hang) as receiver:
        webhook = await hooks.make(receiver.url)
        event_ids = await publish(30)
        killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, *secrets)
        async with asyncio.timeout(60):
            while not receiver.requests:
                await asyncio.sleep(0.05)
            killed.kill()
            await killed.wait()
        in_hand = set(receiver.ids)
        receiver.behavior = answer(200)
        receiver.requests.clear()
        async with asyncio.timeout(60):
            while len(set(receiver.ids)) < 30:
                await work.until_quiet()
                await asyncio.sleep(0.2)

    assert in_hand < set(receiver.ids) == set(event_ids)
    assert len(receiver.ids) == 30
    assert {d["status"] for d in await hooks.deliveries(webhook)} == {"delivered"}
