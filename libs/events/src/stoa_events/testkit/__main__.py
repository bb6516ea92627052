"""`python -m stoa_events.testkit`: list the events there are, and publish examples of one."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from stoa_events.contracts import REGISTRY, Event, python_name
from stoa_events.testkit import TopicIsMissing, an_event, find, make_topics, new_id, publish
from stoa_events.testkit.examples import NoSuchExample


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when done, 1 when the broker refuses or is away, 2 when the command is wrong."""
    options = _parser().parse_args(arguments)
    try:
        return _list() if options.command == "ls" else _publish(options)
    except NoSuchExample as error:
        return _fail(str(error), code=2)
    except TopicIsMissing as error:
        return _fail(str(error), code=1)


def _list() -> int:
    for contract in REGISTRY.values():
        summary = (contract.__doc__ or "").partition("\n")[0]
        sys.stdout.write(f"{contract.type:<50} {contract.topic:<22} {python_name(contract):<60} {summary}\n")
    return 0


def _publish(options: argparse.Namespace) -> int:
    events = _events(find(options.type), dict(options.set), count=options.count)
    if find_spec("aiokafka") is None:
        return _fail('Publishing needs aiokafka; install it with: pip install "stoa-events[kafka]"', code=2)
    from aiokafka.errors import KafkaError

    try:
        asyncio.run(_send(events, options))
    except (KafkaError, OSError) as error:
        return _fail(f"Kafka at {options.bootstrap}: {type(error).__name__}. Is the address right?", code=1)
    return 0


def _events(contract: type[Event], changes: dict[str, Any], *, count: int) -> list[Event]:
    def one() -> Event:
        # An aggregate of its own for each, unless the caller names one.
        return an_event(contract, **{contract.subject_field: str(new_id()), **changes})

    return [one() for _ in range(count)]


async def _send(events: list[Event], options: argparse.Namespace) -> None:
    if options.make_topics:
        await make_topics(options.bootstrap, *(event.destination for event in events), topic_prefix=options.prefix)
    envelopes = await publish(options.bootstrap, *events, topic_prefix=options.prefix, sequence=options.sequence)
    for envelope in envelopes:
        sys.stdout.write(f"{envelope.type} id {envelope.id} subject {envelope.subject} sequence {envelope.sequence}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stoa_events.testkit", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("ls", help="list the events: type, topic, Python class, what became true")
    publish = commands.add_parser("publish", help="publish an event's example")
    publish.add_argument("type", help="as in stoa.content.enrollment.created.v1")
    publish.add_argument("--bootstrap", required=True, metavar="HOST:PORT", help="the broker's address")
    publish.add_argument("--prefix", default="", help="the platform's KAFKA_TOPIC_PREFIX")
    publish.add_argument("--set", type=_assignment, action="append", default=[], metavar="FIELD=VALUE")
    publish.add_argument("--count", type=_count, default=1, help="how many; each about a subject of its own")
    publish.add_argument("--sequence", type=_sequence, default=1, help="the first one of each subject")
    publish.add_argument("--make-topics", action="store_true", help="for a broker on which no Stoa runs")
    return parser


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text} must read field=value")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _count(text: str) -> int:
    return _number(text, up_to=100_000)


def _sequence(text: str) -> int:
    return _number(text, up_to=1_000_000_000)


def _number(text: str, *, up_to: int) -> int:
    if not text.isdecimal() or len(text) > 12 or not 1 <= int(text) <= up_to:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {up_to}")
    return int(text)


def _fail(message: str, *, code: int) -> int:
    sys.stderr.write(f"{message}\n")
    return code


if __name__ == "__main__":
    if hasattr(signal, "SIGPIPE"):
        # `ls | head` ends quietly, as other commands do.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # aiokafka logs each attempt; the one line at the end is enough.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    sys.exit(main())
