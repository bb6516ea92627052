"""A record as Kafka gave it, before anything is believed of it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from stoa_common.messaging import kafka


@dataclass(frozen=True, slots=True)
class Record:
    """A Kafka record as it came; `topic` is without the platform's prefix."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    value: bytes | None
    timestamp_ms: int = 0
    #: Read from the group's replay topic; `topic` is the one that it was first published to.
    replay_id: UUID | None = None

    @property
    def key_text(self) -> str:
        """The key, or a name of its own for a record that has none, so that it blocks nobody."""
        if self.key is None:
            return f"{self.topic}-{self.partition}-{self.offset}"
        return kafka.printable(self.key)

    @classmethod
    def of(cls, raw: Any, cluster: kafka.Cluster) -> "Record":
        topic = cluster.own_name(raw.topic)
        return cls(topic, raw.partition, raw.offset, raw.key, tuple(raw.headers), raw.value, raw.timestamp)
