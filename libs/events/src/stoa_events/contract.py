"""What an event is: a Pydantic model with a registered CloudEvents type, a topic and a subject."""

from datetime import timedelta
from typing import Any, ClassVar, Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from stoa_events.personal import Personal

REGISTRY: dict[str, type["Event"]] = {}
KAFKA_RETENTION: Final = timedelta(days=7)
"""How long each of our topics keeps a record: what subscribers may be away, and what readers' inboxes must outlast."""


class ContractError(TypeError):
    """An event class breaks the naming rules; the message says which."""


class Event(BaseModel):
    """Base of all contracts.

    A concrete event sets `type` (`stoa.<service>.<noun>.<verb>.v<major>`), which registers it, and `example`. `topic`
    and the name of the field that holds the aggregate's id (`subject_field`) come from the base class. Unknown
    fields are ignored: within a major version only optional fields are added. The docstring says what became true.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)

    type: ClassVar[str]
    #: Where it is published. A name in braces (`auth.{feature}.dlq`) stands for a family of topics, one an instance.
    topic: ClassVar[str]
    subject_field: ClassVar[str]
    #: The data of one event, as it lies in a record: JSON's shapes, personal fields sealed. Others test with it.
    example: ClassVar[dict[str, Any]]
    #: Each aggregate has one event only, so readers need no mark of the versions that they have seen.
    single: ClassVar[bool] = False
    #: Handled also when its `person_id` was erased: it says so, or belongs into a log that keeps all. No other is.
    survives_erasure: ClassVar[bool] = False
    partitions: ClassVar[int] = 12

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "type" in cls.__dict__:
            _register(cls)

    @classmethod
    def source(cls) -> str:
        return f"/{cls.topic.partition('.')[0]}"

    @classmethod
    def dataschema(cls) -> str:
        return f"urn:{cls.type.replace('.', ':')}"

    @property
    def destination(self) -> str:
        """The topic of this very event, without the platform's prefix."""
        return self.topic

    @property
    def subject(self) -> str:
        return str(getattr(self, self.subject_field))

    @property
    def orgid(self) -> UUID | None:
        """The organization, or None for events of people."""
        value: UUID | None = getattr(self, "organization_id", None)
        return value

    @classmethod
    def personal_fields(cls) -> list[str]:
        return [name for name, field in cls.model_fields.items() if _is_personal(field.annotation)]

    def data(self) -> bytes:
        """The record's value: JSON, UTF-8. Raises PersonalNotSealed while a personal field is in the clear."""
        return self.model_dump_json().encode()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        return cls.model_validate_json(data)


def _is_personal(annotation: Any) -> bool:
    origin = getattr(annotation, "__origin__", annotation)
    return origin is Personal


def _register(event: type[Event]) -> None:
    parts = event.type.split(".")
    if len(parts) != 5 or parts[0] != "stoa" or not parts[4].startswith("v"):
        raise ContractError(f"{event.__name__}.type must read stoa.<service>.<noun>.<verb>.v<major>, not {event.type}.")
    if parts[1] != event.topic.partition(".")[0]:
        raise ContractError(f"{event.__name__} is of {parts[1]}, but its topic is {event.topic}.")
    if event.type in REGISTRY and REGISTRY[event.type].__qualname__ != event.__qualname__:
        raise ContractError(f"{event.type} is registered twice.")
    REGISTRY[event.type] = event
