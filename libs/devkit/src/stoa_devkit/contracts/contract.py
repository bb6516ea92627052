"""A contract as it is released: the facts of an event, its schema, its example."""

from dataclasses import asdict, dataclass, field
from typing import Any

from stoa_devkit.contracts.schemas import Schema, meaning, schema_of
from stoa_events.contract import Event


@dataclass(frozen=True)
class Contract:
    """What readers of an event build on."""

    type: str
    topic: str
    subject: str
    """The field whose value is the record's key."""
    partitions: int
    single: bool
    schema: Schema
    examples: list[Any] = field(default_factory=list)

    @property
    def facts(self) -> dict[str, Any]:
        """All but the shape of the data."""
        return {"topic": self.topic, "subject": self.subject, "partitions": self.partitions, "single": self.single}

    @property
    def essence(self) -> object:
        """What makes two contracts one: words for people don't count."""
        return self.type, self.facts, meaning(self.schema), self.examples

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def contract_of(event: type[Event]) -> Contract:
    """Today's contract of an event."""
    return Contract(
        type=event.type,
        topic=event.topic,
        subject=event.subject_field,
        partitions=event.partitions,
        single=event.single,
        schema=schema_of(event),
        examples=[event.example],
    )
