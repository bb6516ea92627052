"""Deliveries as receivers see them: signed, tried again for days, each receiver alone with its troubles."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import delete

from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.security import Principal
from stoa_common.testing import Identities
from stoa_events.contracts import CourseImported, LessonPublished
from stoa_events.webhooks import BadSignature, Verifier
from stoa_feed.settings import Settings
from stoa_feed.webhooks.domain import RETRY_DELAYS
from stoa_feed.webhooks.models import Webhook
from stoa_feed.webhooks.provider import Sender
from stoa_feed.webhooks.sealing import Sealer

from .hooks import Hooks, Work
from .receivers import (
    FORBIDDEN_HOST,
    Behavior,
    Request,
    answer,
    babble,
    flood_headers,
    hang,
    hang_up,
    never_end,
    receiving,
)


@pytest.fixture
def hooks(client: httpx2.AsyncClient, identities: Identities, admin: Principal) -> Hooks:
    return Hooks(client, identities, admin)


@pytest_asyncio.fixture(loop_scope="session")
async def work(database: Database, resources: Resources) -> AsyncIterator[Work]:
    settings = resources.get(Settings)
    sender = Sender(allow_http=True, allowed=settings.webhook_allowed_networks, timeout_seconds=1.0)
    yield Work(database, sender, resources.get(Sealer))
    await sender.close()
    async with database.transaction() as session:
        await session.execute(delete(Webhook))


@pytest.fixture
def publish(copy: Any, make: Any, organization_id: UUID) -> Any:
    """Copies so many lessons into the feed; their ids."""

    async def publish(count: int = 1) -> list[str]:
        records = [make.record(make.lesson(organization_id)) for _ in range(count)]
        await copy(records)
        return [str(record.envelope.id) for record in records]

    return publish


async def test_an_event_arrives_signed_and_as_the_pull_feed_shows_it(
    hooks: Hooks, work: Work, publish: Any, client: httpx2.AsyncClient, identities: Identities, admin: Principal
) -> None:
    async with receiving() as receiver:
        webhook = await hooks.make(receiver.url)
        [event_id] = await publish()
        await work.until_quiet()
        await work.until_quiet()

    [request] = receiver.requests
    page = await client.get("/api/v1/feed/events", headers=identities.headers(admin))
    assert request.body in page.content
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert request.headers["webhook-id"] == event_id
    delivery = Verifier(webhook["secret"]).read(request.headers, request.body)
    assert isinstance(delivery.event, LessonPublished)
    [shown] = await hooks.deliveries(webhook)
    assert (shown["status"], shown["number"], shown["attempts"][0]["status"]) == ("delivered", 1, 204)


async def test_a_webhook_is_sent_what_comes_after_it_was_made_and_only_its_types(
    hooks: Hooks, work: Work, publish: Any
) -> None:
    await publish(3)
    async with receiving() as every, receiving() as courses:
        await hooks.make(every.url)
        made = await hooks.make(courses.url, types=[CourseImported.type])
        event_ids = await publish(20)
        await work.until_quiet()

    assert sorted(every.ids) == sorted(event_ids)
    assert courses.connections == 0
    assert (await hooks.show(made))["read_until"] == 23


async def test_a_failed_delivery_is_tried_again_over_days_and_then_given_up(
    hooks: Hooks, work: Work, publish: Any
) -> None:
    async with receiving(answer(500)) as receiver:
        webhook = await hooks.make(receiver.url)
        [event_id] = await publish()
        for delay in RETRY_DELAYS:
            await work.until_quiet()
            tried = len(receiver.requests)
            work.times.pass_by(seconds=delay.total_seconds() - 2)
            await work.until_quiet()
            assert len(receiver.requests) == tried
            work.times.pass_by(seconds=delay.total_seconds() * 0.1 + 4)
        await work.until_quiet()
        work.times.pass_by(days=30)
        await work.until_quiet()

    assert receiver.ids == [event_id] * 10
    assert len({request.headers["webhook-timestamp"] for request in receiver.requests}) == 10
    [shown] = await hooks.deliveries(webhook, status="failed")
    assert [attempt["status"] for attempt in shown["attempts"]] == [500] * 10
    assert shown["next_attempt_at"] is None


async def test_a_receiver_may_wish_for_a_later_time(hooks: Hooks, work: Work, publish: Any) -> None:
    async with receiving(answer(503, headers="Retry-After: 3600\r\n")) as receiver:
        await hooks.make(receiver.url)
        await publish()
        await work.until_quiet()
        work.times.pass_by(minutes=50)
        await work.until_quiet()
        tried_early = len(receiver.requests)
        work.times.pass_by(minutes=11)
        await work.until_quiet()

    assert (tried_early, len(receiver.requests)) == (1, 2)


async def test_410_disables_the_webhook_and_enabling_it_goes_on_where_it_stopped(
    hooks: Hooks, work: Work, publish: Any
) -> None:
    async with receiving(answer(410)) as receiver:
        webhook = await hooks.make(receiver.url)
        await publish()
        await work.until_quiet()
        missed = await publish(2)
        await work.until_quiet()
        disabled = await hooks.show(webhook)
        receiver.behavior = answer(200)
        enabled = await hooks.ask("PATCH", f"/{webhook['id']}", json={"is_enabled": True})
        await work.until_quiet()

    assert disabled["is_enabled"] is False
    assert disabled["disabled_reason"] == "The receiver answered 410 Gone."
    assert (enabled["is_enabled"], enabled["disabled_reason"], enabled["failures"]) == (True, None, 0)
    assert sorted(receiver.ids[1:]) == sorted(missed)


async def test_a_webhook_that_fails_for_days_is_disabled_with_the_reason(
    hooks: Hooks, work: Work, publish: Any
) -> None:
    async with receiving(hang_up) as receiver:
        webhook = await hooks.make(receiver.url)
        for _ in range(7):
            await publish()
            await work.until_quiet()
            work.times.pass_by(days=1)
        tried = receiver.connections
        await publish()
        await work.until_quiet()

    shown = await hooks.show(webhook)
    assert shown["is_enabled"] is False
    assert shown["disabled_reason"].startswith("Nothing could be delivered since ")
    assert receiver.connections == tried


@pytest.mark.parametrize("behavior", [hang, hang_up, babble, flood_headers, answer(500), answer(404), answer(199)])
async def test_whatever_a_receiver_does_it_is_tried_again(
    hooks: Hooks, work: Work, publish: Any, behavior: Behavior
) -> None:
    async with receiving(behavior) as receiver:
        webhook = await hooks.make(receiver.url)
        [event_id] = await publish()
        await work.until_quiet()
        receiver.behavior = answer(200)
        work.times.pass_by(seconds=7)
        await work.until_quiet()

    assert receiver.ids == [event_id] * 2
    [shown] = await hooks.deliveries(webhook, status="delivered")
    assert shown["attempts"][0]["error"]


async def test_a_body_without_an_end_is_not_read(hooks: Hooks, work: Work, publish: Any) -> None:
    async with receiving(never_end) as receiver:
        webhook = await hooks.make(receiver.url)
        await publish()
        await work.until_quiet()

    [shown] = await hooks.deliveries(webhook)
    assert shown["status"] == "delivered"
    assert "xxx" not in str(shown)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_failure_and_its_target_is_never_reached(
    hooks: Hooks, work: Work, publish: Any, status: int
) -> None:
    async with receiving(host=FORBIDDEN_HOST) as inside, receiving() as elsewhere, receiving() as receiver:
        webhook = await hooks.make(receiver.url)
        for target in (inside, elsewhere):
            receiver.behavior = answer(status, headers=f"Location: {target.url}\r\n")
            await publish()
            await work.until_quiet()

    assert (inside.connections, elsewhere.connections) == (0, 0)
    shown = await hooks.deliveries(webhook)
    assert {delivery["attempts"][0]["status"] for delivery in shown} == {status}
    assert "not followed" in shown[0]["attempts"][0]["error"]


async def test_broken_receivers_delay_no_other(hooks: Hooks, work: Work, publish: Any) -> None:
    deliverer = work.deliverer()
    bad = [hang, hang_up, babble, never_end, flood_headers, answer(500), answer(307), hang, hang]
    async with asyncio.TaskGroup() as group, receiving() as good:
        await hooks.make(good.url)
        ready = asyncio.Semaphore(0)
        over = asyncio.Event()
        for behavior in bad:
            group.create_task(be_bad(hooks, behavior, ready, over))
        for _ in bad:
            await ready.acquire()
        event_ids = await publish(40)

        running = asyncio.create_task(deliverer.run())
        async with asyncio.timeout(30):
            # Those that hang hold their turn for a second each time: forty one after the other would be too late.
            while len(good.requests) < 40:
                await asyncio.sleep(0.02)
        running.cancel()
        await asyncio.wait([running])
        over.set()

    assert sorted(good.ids) == sorted(event_ids)


async def be_bad(hooks: Hooks, behavior: Behavior, ready: asyncio.Semaphore, over: asyncio.Event) -> None:
    async with receiving(behavior) as receiver:
        await hooks.make(receiver.url)
        ready.release()
        await over.wait()


async def test_one_event_that_a_receiver_refuses_does_not_hold_up_the_others(
    hooks: Hooks, work: Work, publish: Any
) -> None:
    async with receiving() as receiver:
        webhook = await hooks.make(receiver.url)
        [poison] = await publish()

        async def refuse_poison(request: Request, *streams: Any) -> None:
            await answer(400 if request.headers["webhook-id"] == poison else 200)(request, *streams)

        receiver.behavior = refuse_poison
        others = await publish(12)
        await work.until_quiet()

    assert sorted(d["event_id"] for d in await hooks.deliveries(webhook, status="delivered")) == sorted(others)
    assert [d["event_id"] for d in await hooks.deliveries(webhook, status="waiting")] == [poison]


async def test_a_receiver_that_was_down_is_asked_seldom_and_gets_everything_when_it_is_back(
    hooks: Hooks, work: Work, publish: Any
) -> None:
    async with receiving(answer(503)) as receiver:
        webhook = await hooks.make(receiver.url)
        event_ids = await publish(200)
        for _ in range(120):
            await work.until_quiet()
            work.times.pass_by(minutes=1)
        asked = len(receiver.requests)
        receiver.behavior = answer(200)
        receiver.requests.clear()
        work.times.pass_by(minutes=6)
        await work.until_quiet(seconds=60)

    assert asked < 150
    assert set(receiver.ids) == set(event_ids)
    assert (await hooks.show(webhook))["failures"] == 0


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


async def test_both_secrets_sign_for_a_day_after_a_rotation(hooks: Hooks, work: Work, publish: Any) -> None:
    async with receiving() as receiver:
        old = await hooks.make(receiver.url)
        new = await hooks.ask("POST", f"/{old['id']}/secret/rotation")
        await publish()
        await work.until_quiet()
        [both] = receiver.requests

        for secret in (old["secret"], new["secret"]):
            assert Verifier(secret).read(both.headers, both.body)

        await hooks.ask("POST", f"/{old['id']}/secret/rotation")
        await publish()
        await work.until_quiet()
        with pytest.raises(BadSignature):
            Verifier(old["secret"]).read(receiver.requests[-1].headers, receiver.requests[-1].body)


async def test_the_earlier_secret_ends_after_a_day(hooks: Hooks, work: Work, publish: Any) -> None:
    async with receiving() as receiver:
        old = await hooks.make(receiver.url)
        await hooks.ask("POST", f"/{old['id']}/secret/rotation")
        work.times.pass_by(hours=25)
        await publish()
        await work.until_quiet()

    assert receiver.requests[0].headers["webhook-signature"].count("v1,") == 1


async def test_a_test_event_takes_the_same_way_and_its_delivery_shows_the_result(hooks: Hooks, work: Work) -> None:
    async with receiving() as receiver:
        webhook = await hooks.make(receiver.url, is_enabled=False)
        tested = await hooks.ask("POST", f"/{webhook['id']}/test", status=202)
        await work.until_quiet()
        receiver.behavior = answer(500)
        failing = await hooks.ask("POST", f"/{webhook['id']}/test", status=202)
        await work.until_quiet()
        work.times.pass_by(days=3)
        await work.until_quiet()

    assert len(receiver.requests) == 2
    delivery = Verifier(webhook["secret"]).read(receiver.requests[0].headers, receiver.requests[0].body)
    assert delivery.envelope.type == "stoa.feed.webhook.tested.v1"
    assert str(delivery.envelope.orgid) == str(hooks.admin.organization_id)
    shown = [await hooks.ask("GET", f"/{webhook['id']}/deliveries/{made['id']}") for made in (tested, failing)]
    assert [(one["status"], one["attempts"][0]["status"]) for one in shown] == [("delivered", 204), ("failed", 500)]


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


async def test_another_organizations_events_are_never_sent(
    hooks: Hooks, work: Work, publish: Any, copy: Any, make: Any
) -> None:
    async with receiving() as receiver:
        await hooks.make(receiver.url)
        [mine] = await publish()
        await copy([make.record(make.lesson(new_id()))])
        await work.until_quiet()

    assert receiver.ids == [mine]


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
