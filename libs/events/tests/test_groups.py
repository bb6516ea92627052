"""Members that come, go and die; brokers that are away."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import pytest

from stoa_events.consumer import Subscriber, SubscriptionFailed, progress
from stoa_events.contracts import LearnerEnrolled
from stoa_events.envelope import Envelope
from stoa_events.testkit import an_event, new_id, publish

from .conftest import until

Run = Callable[[Subscriber], "asyncio.Task[None]"]


def _enrollments(count: int) -> list[LearnerEnrolled]:
    return [an_event(LearnerEnrolled, enrollment_id=new_id()) for _ in range(count)]


class Member:
    """One of a group; its handler waits for `gate`, and knows who else handles at the moment."""

    def __init__(self, kafka: str, prefix: str, ledger: list[UUID]) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun: list[UUID] = []
        self._ledger = ledger
        self.subscriber = Subscriber(kafka, group="tests.group", topic_prefix=prefix)
        self.subscriber.on(LearnerEnrolled)(self.handle)

    async def handle(self, event: LearnerEnrolled, envelope: Envelope) -> None:
        self.begun.append(envelope.id)
        await self.gate.wait()
        self._ledger.append(envelope.id)


async def test_a_new_member_goes_on_where_the_last_one_stopped(kafka: str, prefix: str, running: Run) -> None:
    ledger: list[UUID] = []
    first, second = Member(kafka, prefix, ledger), Member(kafka, prefix, ledger)
    sent = await publish(kafka, *_enrollments(10), topic_prefix=prefix)

    task = running(first.subscriber)
    await until(lambda: len(ledger) == 10, task=task)
    first.subscriber.stop()
    await task
    sent += await publish(kafka, *_enrollments(10), topic_prefix=prefix)
    task = running(second.subscriber)
    await until(lambda: len(ledger) == 20, task=task)

    assert Counter(ledger) == Counter(envelope.id for envelope in sent)


async def test_a_stop_lets_the_handler_finish_and_keeps_its_offset(kafka: str, prefix: str, running: Run) -> None:
    ledger: list[UUID] = []
    first, second = Member(kafka, prefix, ledger), Member(kafka, prefix, ledger)
    first.gate.clear()
    sent = await publish(kafka, *_enrollments(1), topic_prefix=prefix)

    task = running(first.subscriber)
    await until(lambda: first.begun, task=task)
    first.subscriber.stop()
    await asyncio.sleep(0.5)
    first.gate.set()
    await task
    sent += await publish(kafka, *_enrollments(1), topic_prefix=prefix)
    task = running(second.subscriber)
    await until(lambda: second.begun, task=task)

    assert ledger == [envelope.id for envelope in sent]


async def test_a_rebalance_in_the_middle_of_a_slow_handler_repeats_nothing(
    kafka: str, prefix: str, running: Run
) -> None:
    ledger: list[UUID] = []
    first, second = Member(kafka, prefix, ledger), Member(kafka, prefix, ledger)
    first.gate.clear()
    sent = await publish(kafka, *_enrollments(20), topic_prefix=prefix)

    task = running(first.subscriber)
    await until(lambda: first.begun, task=task)
    joining = running(second.subscriber)
    await asyncio.sleep(5)
    begun_meanwhile = list(second.begun)
    first.gate.set()
    await until(lambda: len(ledger) >= 20, task=joining)

    assert begun_meanwhile == []
    assert Counter(ledger) == Counter(envelope.id for envelope in sent)
    await until(lambda: second.subscriber.is_ready, task=joining)


async def test_a_member_that_dies_loses_nothing(kafka: str, prefix: str, running: Run) -> None:
    ledger: list[UUID] = []
    first, second = Member(kafka, prefix, ledger), Member(kafka, prefix, ledger)
    first.gate.clear()
    sent = await publish(kafka, *_enrollments(4), topic_prefix=prefix)

    task = asyncio.create_task(first.subscriber.run())
    await until(lambda: first.begun, task=task)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    running(second.subscriber)
    await until(lambda: len(ledger) == 4)

    assert Counter(ledger) == Counter(envelope.id for envelope in sent)


async def test_a_broker_that_is_away_at_the_start_is_waited_for(kafka: str, prefix: str, running: Run) -> None:
    host, _, port = kafka.rpartition(":")
    reserved = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    address = f"127.0.0.1:{reserved.sockets[0].getsockname()[1]}"
    ledger: list[UUID] = []
    member = Member(address, prefix, ledger)
    await publish(kafka, *_enrollments(1), topic_prefix=prefix)

    task = running(member.subscriber)
    await asyncio.sleep(2)
    before = (task.done(), member.subscriber.is_alive, member.subscriber.is_ready)
    reserved.close()
    door = await _forward(int(address.rpartition(":")[2]), host, int(port))
    await until(lambda: ledger, task=task)
    door.close()

    assert before == (False, True, False)


async def test_a_subscriber_that_waits_for_a_broker_can_be_stopped(running: Run) -> None:
    member = Member("127.0.0.1:1", "", [])

    task = running(member.subscriber)
    await asyncio.sleep(0.5)
    member.subscriber.stop()

    await asyncio.wait_for(task, 30)
    assert not member.subscriber.is_alive


@pytest.mark.parametrize("part", ["_fetcher._fetch_task", "_coordinator._coordination_task"])
async def test_a_task_that_dies_inside_the_client_stops_the_subscriber(
    kafka: str, prefix: str, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr("stoa_events.consumer.subscriber.CHECK_EVERY_SECONDS", 0.2)
    monkeypatch.setattr(progress, "PATIENCE", 2)
    ledger: list[UUID] = []
    member = Member(kafka, prefix, ledger)
    await publish(kafka, *_enrollments(1), topic_prefix=prefix)
    task = asyncio.create_task(member.subscriber.run())
    await until(lambda: ledger, task=task)

    found: object = member.subscriber._group._consumer  # type: ignore[union-attr]  # no outsider can kill it
    for name in part.split("."):
        found = getattr(found, name)
    found.cancel()  # type: ignore[attr-defined]
    await publish(kafka, *_enrollments(4), topic_prefix=prefix)

    with pytest.raises(SubscriptionFailed, match="Start again"):
        await asyncio.wait_for(task, 60)


async def _forward(port: int, host: str, target: int) -> asyncio.Server:
    """A door to the broker, which tells its own address to whoever comes by it."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, target)
        await asyncio.gather(pump(reader, back), pump(there, writer))

    return await asyncio.start_server(connect, "127.0.0.1", port)
