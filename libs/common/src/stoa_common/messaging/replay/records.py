"""The records of a group's replay topic: events as they were first published, and each publisher's end markers.

An event keeps its key, headers and value, and gets two headers more: the topic that it was first published to, and the
replay. An end marker has no value; one lies in each partition, behind everything that its publisher has sent there.
"""

from dataclasses import dataclass, replace
from uuid import UUID

from stoa_common.messaging import kafka
from stoa_common.messaging.record import Record
from stoa_common.messaging.sender import Outgoing

TOPIC, REPLAY = "stoa_topic", "stoa_replay"
END, PARTITIONS, SENT = "stoa_end", "stoa_partitions", "stoa_sent"


class NotReplayed(ValueError):
    """The record was not written by a republisher."""


@dataclass(frozen=True, slots=True)
class EndMarker:
    """A publisher has sent everything: so many events, on so many partitions. This is one partition's."""

    replay_id: UUID
    publisher: str
    partition: int
    offset: int
    partitions: int
    sent: int


def replay_topic(group: str) -> str:
    return f"{group}.replay"


def event_record(
    cluster: kafka.Cluster, *, group: str, replay_id: UUID, topic: str, key: str, headers: dict[str, str], data: str
) -> Outgoing:
    marked = {**headers, TOPIC: topic, REPLAY: str(replay_id)}
    return Outgoing(
        cluster.named(replay_topic(group)),
        key.encode(),
        data.encode(),
        [(name, value.encode()) for name, value in marked.items()],
    )


def end_record(
    cluster: kafka.Cluster, *, group: str, replay_id: UUID, publisher: str, partitions: int, sent: int
) -> Outgoing:
    texts = {REPLAY: str(replay_id), END: publisher, PARTITIONS: str(partitions), SENT: str(sent)}
    headers = [(name, value.encode()) for name, value in texts.items()]
    return Outgoing(cluster.named(replay_topic(group)), publisher.encode(), None, headers)


def read(record: Record) -> Record | EndMarker:
    """The event as a record of the topic that it was first published to, or a marker. Raises NotReplayed."""
    headers = {name: value.decode() for name, value in record.headers if name.startswith("stoa_") and value}
    try:
        replay_id = UUID(headers[REPLAY])
        if END in headers:
            partitions, sent = int(headers[PARTITIONS]), int(headers[SENT])
            return EndMarker(replay_id, headers[END], record.partition, record.offset, partitions, sent)
        first = tuple((name, value) for name, value in record.headers if name not in (TOPIC, REPLAY))
        return replace(record, topic=headers[TOPIC], headers=first, replay_id=replay_id)
    except (KeyError, ValueError) as error:
        raise NotReplayed(f"{record.topic} {record.partition} {record.offset}: {error}") from None
