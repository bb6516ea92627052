"""A record as Kafka gave it, before anything is believed of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol


class Message(Protocol):
    """A record without a place, such as the test kit's `a_record` makes; `topic` is without the platform's prefix."""

    @property
    def topic(self) -> str: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def headers(self) -> Iterable[tuple[str, bytes | None]]: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Record:
    """A record's place and bytes; `topic` is without the platform's prefix. Its repr shows the place alone."""

    topic: str
    partition: int
    offset: int
    key: bytes | None = field(repr=False)
    headers: tuple[tuple[str, bytes | None], ...] = field(repr=False)
    value: bytes | None = field(repr=False)

    @property
    def place(self) -> str:
        return f"{self.topic} partition {self.partition} offset {self.offset}"

    @classmethod
    def of(cls, raw: Any, *, topic_prefix: str) -> "Record":
        topic = raw.topic.removeprefix(topic_prefix)
        return cls(topic, raw.partition, raw.offset, raw.key, tuple(raw.headers), raw.value)

    @classmethod
    def without_broker(cls, message: Message) -> "Record":
        """As if it were the first of its topic."""
        return cls(message.topic, 0, 0, message.key, tuple(message.headers), message.value)
