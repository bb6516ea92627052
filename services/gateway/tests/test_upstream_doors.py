"""Places at a service: as many as there are, the most important first, and each is given back."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from stoa_gateway.routing.domain import Priority
from stoa_gateway.upstreams.domain import Capacity, GatewayIsBusy, UpstreamIsBusy
from stoa_gateway.upstreams.service import Door, Upstreams


def a_door(concurrent: int = 2, waiting: int = 2, **more: Any) -> Door:
    usual = Capacity(concurrent, waiting, wait_seconds=5.0, normal_share=1.0, batch_share=1.0)
    return Door("content", replace(usual, **more))


async def taken(door: Door, priority: Priority = "normal") -> None:
    async with asyncio.timeout(2):
        await door.enter(priority)


async def waiting(door: Door, priority: Priority, served: list[str]) -> "asyncio.Task[None]":
    async def wait() -> None:
        await door.enter(priority)
        served.append(priority)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    return task


async def test_the_most_important_of_those_who_wait_is_next() -> None:
    door = a_door(concurrent=1, waiting=5)
    served: list[str] = []
    await taken(door)
    tasks = [await waiting(door, priority, served) for priority in ("batch", "normal", "high", "normal")]

    for _ in tasks:
        door.leave()
        await asyncio.sleep(0.01)

    assert served == ["high", "normal", "normal", "batch"]


async def test_whoever_finds_the_room_full_is_told_to_come_again() -> None:
    door = a_door(concurrent=1, waiting=1)
    await taken(door)
    first = await waiting(door, "normal", [])

    with pytest.raises(UpstreamIsBusy) as refused:
        await taken(door)

    assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "1")
    door.leave()
    await first


async def test_a_log_in_takes_the_place_of_batch_work_in_a_full_room() -> None:
    door = a_door(concurrent=1, waiting=1)
    served: list[str] = []
    await taken(door)
    batch = await waiting(door, "batch", served)

    high = await waiting(door, "high", served)
    with pytest.raises(UpstreamIsBusy):
        await batch
    door.leave()
    await high

    assert served == ["high"]


async def test_nobody_waits_longer_than_said() -> None:
    door = a_door(concurrent=1, wait_seconds=0.05)
    await taken(door)

    with pytest.raises(UpstreamIsBusy):
        await taken(door)

    door.leave()
    await taken(door)


async def test_batch_and_normal_leave_places_for_what_matters_more() -> None:
    door = a_door(concurrent=4, waiting=0, normal_share=0.75, batch_share=0.25)

    await taken(door, "batch")
    with pytest.raises(UpstreamIsBusy):
        await taken(door, "batch")
    await taken(door, "normal")
    await taken(door, "normal")
    with pytest.raises(UpstreamIsBusy):
        await taken(door, "normal")
    await taken(door, "high")
    with pytest.raises(UpstreamIsBusy):
        await taken(door, "high")


async def test_clients_that_leave_while_they_wait_take_no_place_with_them() -> None:
    door = a_door(concurrent=1, waiting=50)
    await taken(door)
    tasks = [await waiting(door, "normal", []) for _ in range(50)]

    # Some in the same moment in which they would have got the place.
    door.leave()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    await taken(door)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await door.enter("normal")
    door.leave()
    await taken(door)


async def test_a_gateway_that_is_behind_all_the_time_refuses_batch_until_it_has_caught_up() -> None:
    upstreams = Upstreams({})
    measuring = asyncio.create_task(upstreams.run())

    for _ in range(7):
        await asyncio.sleep(0)
        time.sleep(0.8)  # noqa: ASYNC251  # this is what being behind is
        await asyncio.sleep(0.01)
    with pytest.raises(GatewayIsBusy):
        upstreams.ensure_time("batch")
    upstreams.ensure_time("high")

    async with asyncio.timeout(20):
        while is_refused(upstreams):
            await asyncio.sleep(0.2)
    measuring.cancel()


def is_refused(upstreams: Upstreams) -> bool:
    try:
        upstreams.ensure_time("batch")
    except GatewayIsBusy:
        return True
    return False
