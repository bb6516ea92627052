"""What every process tells of itself."""

import asyncio

import httpx2

TASKS = 50


async def _tasks_told(client: httpx2.AsyncClient) -> float:
    lines = (await client.get("/metrics")).text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith("stoa_asyncio_tasks "))


async def test_tasks_that_nobody_ends_show_in_the_metrics(client: httpx2.AsyncClient) -> None:
    before = await _tasks_told(client)

    kept = [asyncio.create_task(asyncio.sleep(60)) for _ in range(TASKS)]
    meanwhile = await _tasks_told(client)
    for task in kept:
        task.cancel()
    await asyncio.wait(kept)

    assert meanwhile - before >= TASKS
    assert await _tasks_told(client) - before < TASKS
