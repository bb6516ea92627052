"""How long things are kept, and the one rule between them: the inbox remembers longer than Kafka redelivers."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from stoa_common import failures
from stoa_common.messaging import kafka

#: A record may wait so long in a partition that is held, after Kafka has read it for the last time.
MARGIN: Final = timedelta(hours=8)
ADMIN_SECONDS: Final = 20.0
RETRY_SECONDS: Final = 1.0
_RETENTION: Final = "retention.ms"


class InboxIsTooShort(SystemExit):
    """Kafka would redeliver what the inbox has forgotten; the message names the topic and both windows."""


def refuse_short_inbox(inbox: timedelta, retentions: dict[str, timedelta | None]) -> None:
    """Raises InboxIsTooShort. None stands for a topic that keeps records for ever."""
    for topic, kept in sorted(retentions.items()):
        if kept is None or kept + MARGIN > inbox:
            told = "for ever" if kept is None else f"for {kept.total_seconds() / 86_400:g} days"
            raise InboxIsTooShort(
                f"Kafka keeps {topic} {told}, the inbox {inbox.days} days: what comes again would take effect twice. "
                f"Set STOA_INBOX_RETENTION_DAYS to more than that and eight hours, or the topic's {_RETENTION} to less."
            )


async def check(cluster: kafka.Cluster, topics: Iterable[str], *, inbox: timedelta) -> None:
    """Compare the inbox's window with what the cluster says of each topic. Raises InboxIsTooShort."""
    while True:
        with failures.held("windows_not_compared"):
            return refuse_short_inbox(inbox, await retentions(cluster, sorted(set(topics))))
        await asyncio.sleep(RETRY_SECONDS)


async def retentions(cluster: kafka.Cluster, topics: Sequence[str]) -> dict[str, timedelta | None]:
    """How long the cluster keeps each topic's records: None for ever; topics that it does not have are left out."""
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.servers)
    try:
        async with asyncio.timeout(ADMIN_SECONDS):
            await admin.start()
            wanted = [
                ConfigResource(ConfigResourceType.TOPIC, cluster.named(topic), {_RETENTION: None}) for topic in topics
            ]
            answers = await admin.describe_configs(wanted) if wanted else []
    finally:
        await admin.close()
    return {cluster.own_name(name): kept for answer in answers for name, kept in _read(answer)}


def _read(answer: Any) -> Iterable[tuple[str, timedelta | None]]:
    for code, _, _, name, entries in answer.resources:
        # A topic that is not there yet keeps nothing.
        if for_code(code).__name__ == "UnknownTopicOrPartitionError":
            continue
        values = {entry[0]: entry[1] for entry in entries}
        milliseconds = int(values[_RETENTION])
        yield name, None if milliseconds < 0 else timedelta(milliseconds=milliseconds)
