"""Whatever a receiver does: it is tried again, nothing follows where it leads, and nobody else waits for it."""

import asyncio
from typing import Any

import pytest

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
