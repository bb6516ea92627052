"""The topics of every event, made before anybody reads or writes them."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from stoa_devkit.trouble import Trouble
from stoa_events.contracts import TOPICS

LAPTOP_PARTITIONS = 3
COPIES = 3
"""Of each partition, where the cluster has as many brokers."""


async def make_all(bootstrap: str, *, prefix: str, on_laptop: bool) -> None:
    """Make the topics that are missing; Kafka never changes those that are there.

    A laptop gets three partitions a topic, another cluster what the contracts declare. Raises Trouble.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=15_000)
    try:
        await asyncio.wait_for(admin.start(), 20)
        copies = min(COPIES, len((await admin.describe_cluster())["brokers"]))
        there = set(await admin.list_topics())
        counts = dict.fromkeys(TOPICS, LAPTOP_PARTITIONS) if on_laptop else TOPICS
        wanted = [NewTopic(f"{prefix}{topic}", partitions, copies) for topic, partitions in counts.items()]
        missing = [topic for topic in wanted if topic.name not in there]
        if missing:
            _refuse_failures(await admin.create_topics(missing))
    except (KafkaError, TimeoutError, OSError) as failure:
        raise Trouble(f"Kafka at {bootstrap} did not make the topics: {failure or 'it does not answer'}.") from failure
    finally:
        await admin.close()


def _refuse_failures(answer: object) -> None:
    for topic, code, *message in getattr(answer, "topic_errors", []):
        failure = for_code(code)
        # Somebody else made it between our look and our request.
        if code and failure is not TopicAlreadyExistsError:
            raise failure(f"{topic}: {' '.join(filter(None, message))}")
