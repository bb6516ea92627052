"""Services that die, stand still, break off or are overrun: each has its answer, and nobody waits for ever."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from .programs import problem, running

PATH = "/api/v1/content"
RAW = "/api/v1/ai/raw"


def policies(**content: float) -> str:
    lines = "\n".join(f"{name} = {value}" for name, value in content.items())
    return f"""
        defaults = {{ answer_seconds = 1.5, idle_seconds = 1.5 }}
        routes = [
          {{ path = "{PATH}/quick", only = ["PUT"], priority = "batch" }},
          {{ path = "{PATH}/slow", only = ["POST"], priority = "high" }},
        ]
        [upstreams.content]
        {lines}
        """


async def until_answered(client: aiohttp.ClientSession, path: str) -> aiohttp.ClientResponse:
    async with asyncio.timeout(30):
        while (answer := await client.get(path)).status != 200:
            await asyncio.sleep(0.1)
    return answer


async def test_a_killed_service_is_named_then_left_alone_and_back_when_it_is_back(open_gateway: Any) -> None:
    async with running() as program, open_gateway(policies(rest_seconds=0.5), content_url=program.url) as client:
        assert (await client.get(f"{PATH}/quick")).status == 200
        await program.kill()

        answers = [await client.post(f"{PATH}/quick") for _ in range(8)]
        told = [await problem(answer) for answer in answers]
        await program.start()
        back = await until_answered(client, f"{PATH}/quick")

    assert {answer.status for answer in answers} <= {502, 503}
    assert told[0] in ("service-is-down", "answer-is-broken")
    assert told[-1] == "upstream-is-resting"
    assert answers[-1].headers["Retry-After"]
    assert back.status == 200


async def test_a_service_that_is_killed_while_it_works_is_a_bad_gateway_to_who_waits(open_gateway: Any) -> None:
    async with running() as program, open_gateway(policies(), content_url=program.url) as client:
        await client.get(f"{PATH}/quick")
        waiting = [asyncio.create_task(client.post(f"{PATH}/slow?1")) for _ in range(5)]
        await asyncio.sleep(0.3)

        await program.kill()
        answers = await asyncio.gather(*waiting)

    assert [answer.status for answer in answers] == [502] * 5


async def test_a_service_that_stands_still_times_out_once_and_holds_nobody_after(open_gateway: Any) -> None:
    settings = policies(breaks_after=3, rest_seconds=0.3, longest_rest_seconds=0.3)
    async with running() as program, open_gateway(settings, content_url=program.url) as client:
        await client.get(f"{PATH}/quick")
        program.send(signal.SIGSTOP)

        first = await asyncio.gather(*(client.get(f"{PATH}/quick") for _ in range(6)))
        then = [await problem(await client.get(f"{PATH}/quick")) for _ in range(3)]
        program.send(signal.SIGCONT)
        back = await until_answered(client, f"{PATH}/quick")

    assert [answer.status for answer in first] == [504] * 6
    assert then.count("upstream-is-resting") >= 2
    assert back.status == 200


Script = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def breaking_off(asked: list[bytes], answer: bytes, *, times: int) -> Script:
    """Hang up so many times, and then answer."""

    async def script(head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(head.partition(b" ")[0])
        if len(asked) > times:
            writer.write(answer)
            await writer.drain()

    return script


async def test_a_read_is_asked_again_where_the_service_broke_off(http: Any, raw: Any, raw_answer: Any) -> None:
    asked: list[bytes] = []
    raw.script = breaking_off(asked, raw_answer(b"second"), times=1)

    answer = await http.get(RAW)

    assert (answer.status, await answer.read()) == (200, b"second")
    assert asked == [b"GET", b"GET"]


async def test_it_is_asked_again_once_and_not_for_ever(http: Any, raw: Any, raw_answer: Any) -> None:
    asked: list[bytes] = []
    raw.script = breaking_off(asked, raw_answer(b"third"), times=2)

    answer = await http.get(RAW)

    assert (answer.status, len(asked)) == (502, 2)


async def test_a_write_is_never_sent_twice(http: Any, raw: Any, raw_answer: Any) -> None:
    asked: list[bytes] = []
    raw.script = breaking_off(asked, raw_answer(b"second"), times=1)

    answer = await http.post(RAW, data=b"body")

    assert (answer.status, asked) == (502, [b"POST"])


async def test_a_streamed_body_is_never_sent_twice(http: Any, raw: Any, raw_answer: Any) -> None:
    asked: list[bytes] = []
    raw.script = breaking_off(asked, raw_answer(b"second"), times=1)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(10_000)
            await asyncio.sleep(0.01)

    answer = await http.delete(RAW, data=pieces())

    assert (answer.status, asked) == (502, [b"DELETE"])


async def test_an_answer_that_has_begun_is_never_begun_again(http: Any, raw: Any) -> None:
    asked: list[bytes] = []

    async def break_off(head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(head)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()

    raw.script = break_off

    answer = await http.get(RAW)

    with pytest.raises(aiohttp.ClientPayloadError):
        await answer.read()
    assert len(asked) == 1


async def test_retries_stay_a_small_part_of_what_a_service_in_trouble_is_asked(
    open_gateway: Any, raw: Any, raw_answer: Any
) -> None:
    asked: list[bytes] = []
    raw.script = breaking_off(asked, raw_answer(b""), times=10_000)
    settings = policies().replace("[upstreams.content]", "[upstreams.ai]\nbreaks_after = 100000\n")

    async with open_gateway(settings, ai_url=raw.url) as client:
        for _ in range(60):
            assert (await client.get(RAW)).status == 502

    assert 60 < len(asked) <= 60 + 10 + 6


async def test_a_service_gets_no_more_than_it_can_take_and_log_ins_come_first(open_gateway: Any) -> None:
    settings = policies(max_concurrent=4, max_waiting=2, wait_seconds=10, normal_share=0.5, batch_share=0.25)
    async with running() as program, open_gateway(settings, content_url=program.url) as client:
        await client.get(f"{PATH}/quick")
        slow = [asyncio.create_task(client.get(f"{PATH}/slow?1")) for _ in range(10)]
        await asyncio.sleep(0.5)

        log_in = await client.post(f"{PATH}/slow?0")
        batch = await client.put(f"{PATH}/quick")
        told = await problem(batch)
        answers = await asyncio.gather(*slow)

    assert log_in.status == 200
    assert (batch.status, told) == (503, "upstream-is-busy")
    assert sorted(answer.status for answer in answers) == [200] * 4 + [503] * 6
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status == 503)


async def test_open_event_streams_take_no_place_from_others(open_gateway: Any, settings: Any, watched: Any) -> None:
    policy = policies(max_concurrent=2, max_waiting=0)
    async with open_gateway(policy, content_url=settings.content_url) as client:
        streams = [await client.get(f"{PATH}/events") for _ in range(10)]
        answer = await client.get(f"{PATH}/echo/x")
        for stream in streams:
            stream.close()

    assert [stream.status for stream in streams] == [200] * 10
    assert answer.status == 200
