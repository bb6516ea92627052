"""The topics of every event, made before anybody reads or writes them.

`python -m stoa_common.topics [--partitions N]` makes them where `KAFKA_BOOTSTRAP_SERVERS` says.
"""

import argparse
import asyncio
from collections.abc import Iterable, Mapping

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from stoa_common import logs
from stoa_common.settings import read_variable
from stoa_events.contract import KAFKA_RETENTION
from stoa_events.contracts import TOPICS

COPIES = 3
"""Of each partition, where the cluster has as many brokers."""
GROUP_TOPICS = {"replay": 3, "dlq": 1}
"""A consumer group's own topics: the last part of the name -> partitions."""
CONFIG = {"retention.ms": str(int(KAFKA_RETENTION.total_seconds() * 1000))}
"""Said to each topic that is made: a cluster's default may be another."""

log = logs.get_logger()


class TopicsNotMade(RuntimeError):
    """Kafka did not make the topics; the message says where, and why."""


async def make_all(bootstrap: str, *, prefix: str = "", partitions: int | None = None) -> list[str]:
    """Make the topics that are missing, and return their names; those that are there stay as somebody made them.

    Each keeps its records for KAFKA_RETENTION and, without a number, gets the partitions that its contract declares.
    Raises TopicsNotMade.
    """
    counts = {f"{prefix}{topic}": partitions or declared for topic, declared in TOPICS.items()}
    return await _make(bootstrap, counts)


async def make_group_topics(bootstrap: str, groups: Iterable[str], *, prefix: str = "") -> list[str]:
    """Make the topics that consumer groups have for themselves, where they are missing, and return their names.

    `<group>.replay` is for what is replayed to the group alone, `<group>.dlq` for the events that it announces as dead.
    Raises TopicsNotMade.
    """
    counts = {f"{prefix}{group}.{name}": count for group in groups for name, count in GROUP_TOPICS.items()}
    return await _make(bootstrap, counts)


async def _make(bootstrap: str, counts: Mapping[str, int]) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=15_000)
    try:
        await asyncio.wait_for(admin.start(), 20)
        copies = min(COPIES, len((await admin.describe_cluster())["brokers"]))
        there = set(await admin.list_topics())
        missing = [NewTopic(name, n, copies, topic_configs=CONFIG) for name, n in counts.items() if name not in there]
        if missing:
            _refuse_failures(await admin.create_topics(missing))
        return [topic.name for topic in missing]
    except (KafkaError, TimeoutError, OSError) as failure:
        reason = str(failure) or "it does not answer"
        raise TopicsNotMade(f"Kafka at {bootstrap} did not make the topics: {reason}.") from failure
    finally:
        await admin.close()


def _refuse_failures(answer: object) -> None:
    for topic, code, *message in getattr(answer, "topic_errors", []):
        failure = for_code(code)
        # Somebody else made it between our look and our request.
        if code and failure is not TopicAlreadyExistsError:
            raise failure(f"{topic}: {' '.join(filter(None, message))}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the topics of every event.")
    parser.add_argument("--partitions", type=int, help="of each topic, instead of what the contracts declare")
    partitions: int | None = parser.parse_args().partitions
    bootstrap = read_variable("KAFKA_BOOTSTRAP_SERVERS")
    if bootstrap is None:
        raise SystemExit("Set KAFKA_BOOTSTRAP_SERVERS: the topics are made there.")
    logs.configure(service="topics")
    try:
        made = asyncio.run(make_all(bootstrap, prefix=read_variable("KAFKA_TOPIC_PREFIX") or "", partitions=partitions))
    except TopicsNotMade as refusal:
        raise SystemExit(str(refusal)) from None
    log.info("topics_made", made=made)


if __name__ == "__main__":
    main()
