"""`stoa events tail`: what is on Kafka, as it comes, read without a group."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any

import typer
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from rich.console import Console

from stoa_devkit import settings
from stoa_devkit.commands.status import facts
from stoa_devkit.demo.address import PlatformIsNotUp
from stoa_devkit.events.operator import NOT_UP, REFUSED, JsonOption, say
from stoa_devkit.ports import HOST
from stoa_devkit.state import State
from stoa_devkit.trouble import Trouble
from stoa_events.contracts import TOPICS
from stoa_events.envelope import BadEnvelope, Envelope

START_SECONDS = 10.0
STOP_SECONDS = 3.0
POLL_MS = 300
console = Console(highlight=False)


@dataclass(frozen=True)
class Wanted:
    """Which events are shown. Topics and types may have `*`."""

    topics: Sequence[str]
    types: Sequence[str]
    key: str | None
    organization: str | None

    def has_topic(self, topic: str) -> bool:
        if not self.topics:
            return topic in TOPICS or topic.endswith(".dlq")
        return any(fnmatchcase(topic, pattern) for pattern in self.topics)

    def has(self, raw: Any, envelope: Envelope | None) -> bool:
        if self.key is not None and raw.key != self.key.encode():
            return False
        if self.types and not (envelope and any(fnmatchcase(envelope.type, pattern) for pattern in self.types)):
            return False
        return self.organization is None or (envelope is not None and str(envelope.orgid) == self.organization)


def tail(
    topic: Annotated[list[str] | None, typer.Option(help="Only of this topic, * for any part; repeatable.")] = None,
    event_type: Annotated[list[str] | None, typer.Option("--type", help="Only of this type, * as above.")] = None,
    key: Annotated[str | None, typer.Option(help="Only of this aggregate: its id.")] = None,
    org: Annotated[str | None, typer.Option(help="Only of this organization: its id.")] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="Also what Kafka keeps from before.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="End after so many events.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show events as they come, one a line, until Ctrl-C.

    Reads Kafka itself, without a consumer group: KAFKA_BOOTSTRAP_SERVERS, or that of the platform that runs here.
    """
    wanted = Wanted(topic or (), event_type or (), key, org)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_tail(wanted, from_start=from_start, limit=limit, as_json=as_json))
    except Trouble as trouble:
        say(str(trouble))
        raise typer.Exit(NOT_UP if isinstance(trouble, PlatformIsNotUp) else REFUSED) from None


async def _tail(wanted: Wanted, *, from_start: bool, limit: int | None, as_json: bool) -> None:
    prefix, shown = settings.read().topic_prefix, 0
    async with _consumer(kafka_servers(), prefix, wanted, from_start=from_start) as consumer:
        while limit is None or shown < limit:
            fetched = await consumer.getmany(timeout_ms=POLL_MS)
            for raw in sorted((raw for raws in fetched.values() for raw in raws), key=lambda raw: raw.timestamp):
                envelope = _envelope(raw)
                if wanted.has(raw, envelope) and (limit is None or shown < limit):
                    _print(raw, envelope, raw.topic.removeprefix(prefix), as_json=as_json)
                    shown += 1


def kafka_servers() -> str:
    """Where Kafka is; raises PlatformIsNotUp."""
    found = settings.read()
    if given := found.get("KAFKA_BOOTSTRAP_SERVERS"):
        return given
    state = State(found.state)
    port = state.read("ports.json").get("kafka")
    if not facts(state)["running"] or port is None:
        raise PlatformIsNotUp("Stoa does not run here: start it with `stoa up`, or set KAFKA_BOOTSTRAP_SERVERS.")
    return f"{HOST}:{port}"


@asynccontextmanager
async def _consumer(servers: str, prefix: str, wanted: Wanted, *, from_start: bool) -> AsyncIterator[AIOKafkaConsumer]:
    start = "earliest" if from_start else "latest"
    consumer = AIOKafkaConsumer(bootstrap_servers=servers.split(","), auto_offset_reset=start)
    try:
        async with asyncio.timeout(START_SECONDS):
            await consumer.start()
            await _subscribe(consumer, prefix, wanted)
    except (KafkaError, TimeoutError, OSError):
        await _stop(consumer)
        raise PlatformIsNotUp(f"Kafka does not answer at {servers}.") from None
    try:
        yield consumer
    finally:
        await _stop(consumer)


async def _subscribe(consumer: AIOKafkaConsumer, prefix: str, wanted: Wanted) -> None:
    there = [topic for topic in await consumer.topics() if topic.startswith(prefix)]
    topics = [topic for topic in there if wanted.has_topic(topic.removeprefix(prefix))]
    if not topics:
        names = ", ".join(sorted(topic.removeprefix(prefix) for topic in there if not topic.startswith("__")))
        raise Trouble(f"There is no such topic; there are {names or 'none yet'}.")
    # Without a group, the consumer takes all partitions itself.
    consumer.subscribe(topics)


async def _stop(consumer: AIOKafkaConsumer) -> None:
    # With the broker away, stop() may wait for ever.
    with contextlib.suppress(KafkaError, TimeoutError, OSError):
        await asyncio.wait_for(consumer.stop(), STOP_SECONDS)


def _envelope(raw: Any) -> Envelope | None:
    try:
        return Envelope.from_headers(raw.headers)
    except BadEnvelope:
        return None


def _print(raw: Any, envelope: Envelope | None, topic: str, *, as_json: bool) -> None:
    at = datetime.fromtimestamp(raw.timestamp / 1000, UTC)
    key, value = _text(raw.key), _text(raw.value)
    if as_json:
        headers = {name: _text(content) for name, content in raw.headers}
        place = {"topic": topic, "partition": raw.partition, "offset": raw.offset, "time": at.isoformat()}
        typer.echo(json.dumps({**place, "key": key, "headers": headers, "value": value}))
        return
    told = f"{envelope.type} #{envelope.sequence}" if envelope else "not an event"
    line = f"{at:%H:%M:%S.%f}"[:12] + f" {topic}/{raw.partition}@{raw.offset} {told} {key} {value}"
    console.print(
        line, markup=False, no_wrap=console.is_terminal, overflow="ellipsis", soft_wrap=not console.is_terminal
    )


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode(errors="backslashreplace")
