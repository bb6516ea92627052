"""What operators did to a service's messaging, what needs them, whom it forgot; and how far its jobs are (`jobs`).

Each service publishes these contracts. Operators are named by their pseudonymous ids; where their requests came from is
sealed.
"""

from typing import Any, ClassVar, Final, NamedTuple, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from stoa_events.contract import Event
from stoa_events.contracts import story
from stoa_events.contracts.jobs import JobProgressed
from stoa_events.personal import Personal

SERVICES: Final = ("auth", "content", "ai", "analytics", "feed")
E = TypeVar("E", bound=Event)
#: Every service has this consumer group; in an example it becomes the service's own.
_GROUP: Final = "<service>.privacy"
_AUDIT: Final = "01994222-0750-777c-aafe-6b2a3fc75dd2"
_REPLAY: Final = "01994222-0750-7080-bc98-43b5bd8c883e"
_DIGEST: Final = "d60d5f4dc8feb47005caf154214fd83441ea68a857e37bd8f67d0934f55cf3bd"
_DEATH: Final = "01994034-fbbc-7b23-a029-87ccb1b0eef9"


class AuditRecorded(Event):
    """An operator has looked into the service's messaging or changed it; recorded in the transaction that did it."""

    subject_field: ClassVar[str] = "audit_id"
    single: ClassVar[bool] = True
    survives_erasure: ClassVar[bool] = True
    partitions: ClassVar[int] = 3
    example: ClassVar[dict[str, Any]] = {
        "audit_id": _AUDIT,
        "person_id": story.OPERATOR,
        "action": "replay.request",
        "target": _REPLAY,
        "details": {"group": _GROUP, "rebuild": "false", "rate": "500"},
        "recorded_at": "2025-09-13T08:12:30.417905Z",
        "address": story.SEALED_ADDRESS,
        "user_agent": story.SEALED_AGENT,
        "on_behalf_of": None,
    }

    audit_id: UUID = Field(description="This record of the audit.")
    person_id: UUID = Field(description="The operator who acted.")
    action: str = Field(description="What was done, as `noun.verb`: `parked.discard`, for one. More may come.")
    target: str = Field(description="What it was done to: an id, or a record, as `<topic>-<partition>-<offset>`.")
    details: dict[str, str] = Field(default_factory=dict, description="What else was asked for; never personal.")
    recorded_at: AwareDatetime = Field(description="When it was done.")
    address: Personal[str] = Field(default_factory=Personal, description="The network address that it came from.")
    user_agent: Personal[str] = Field(
        default_factory=Personal, description="The program that it came from, as it called itself."
    )
    on_behalf_of: UUID | None = Field(
        None, description="The person in whose place the operator acted; null where they acted as themselves."
    )


class PrivacyCompleted(Event):
    """The service has forgotten a person: nothing that it holds or keeps a copy of says anything about them any more.

    It does not name the person: whoever knows the id finds the digest, and nobody finds the id by it.
    """

    subject_field: ClassVar[str] = "person_digest"
    single: ClassVar[bool] = True
    partitions: ClassVar[int] = 3
    example: ClassVar[dict[str, Any]] = {
        "person_digest": _DIGEST,
        "requested_at": "2025-09-12T16:02:47.551090Z",
        "completed_at": "2025-09-12T16:02:51.902648Z",
    }

    person_digest: str = Field(
        pattern="^[0-9a-f]{64}$", description="SHA-256 of `stoa-person:` and the person's id, in hexadecimal digits."
    )
    requested_at: AwareDatetime = Field(description="When the person asked to be forgotten: `erased_at` of that event.")
    completed_at: AwareDatetime = Field(description="When the service had forgotten them.")


class ReplayEvent(Event):
    """A replay: events of the past, sent once more to one consumer group."""

    subject_field: ClassVar[str] = "replay_id"
    partitions: ClassVar[int] = 3

    replay_id: UUID = Field(description="The replay.")


class ReplayRequested(ReplayEvent):
    """A consumer group is ready to be sent past events again; their publishers now send them to `<group>.replay`."""

    example: ClassVar[dict[str, Any]] = {
        "replay_id": _REPLAY,
        "group": _GROUP,
        "topics": ["auth.user"],
        "types": ["stoa.auth.user.erased.v1"],
        "key": None,
        "recorded_from": None,
        "recorded_until": None,
        "rate": 500,
        "is_rebuild": False,
        "requested_at": "2025-09-13T08:12:30.416022Z",
    }

    group: str = Field(description="The consumer group that reads `<group>.replay`.")
    topics: list[str] = Field(description="Only events of these topics, one topic after the other.")
    types: list[str] = Field(description="Only events of these types; of all, where none is named.")
    key: str | None = Field(None, description="Only events of this key.")
    recorded_from: AwareDatetime | None = Field(None, description="Only events recorded at this time or later.")
    recorded_until: AwareDatetime | None = Field(None, description="Only events recorded before this time.")
    rate: int = Field(ge=1, description="How many events a second each publisher sends at most.")
    is_rebuild: bool = Field(description="Whether the group has emptied its tables to fill them anew.")
    requested_at: AwareDatetime = Field(description="When an operator asked for it.")


class ReplayCancelled(ReplayEvent):
    """The group takes no more events of this replay; publishers stop sending them."""

    example: ClassVar[dict[str, Any]] = {"replay_id": _REPLAY, "cancelled_at": "2025-09-13T08:14:02.093317Z"}

    cancelled_at: AwareDatetime = Field(description="When it was cancelled.")


class EventDied(Event):
    """A parked event has failed its last try; it and the later events of its key wait for a person.

    The record itself stays in the service's `parked` table: an operator reads, edits, retries or discards it over
    `/api/v1/<service>/messaging/parked/<parked_position>`, or by `stoa events parked`.
    """

    subject_field: ClassVar[str] = "announcement_id"
    single: ClassVar[bool] = True
    partitions: ClassVar[int] = 1
    example: ClassVar[dict[str, Any]] = {
        "announcement_id": _DEATH,
        "group": _GROUP,
        "parked_position": 4711,
        "event_id": "01993eaa-3a7f-7e41-9c19-48b0ae5d35e4",
        "event_type": "stoa.auth.user.erased.v1",
        "source_topic": "auth.user",
        "source_partition": 3,
        "source_offset": 1808,
        "attempts": 5,
        "error": "KeyError at service.py:41",
        "died_at": "2025-09-12T23:13:58.204871Z",
    }

    announcement_id: UUID = Field(description="This announcement; an event that is retried may die again.")
    group: str = Field(description="The consumer group that could not handle the event.")
    parked_position: int = Field(
        ge=1, description="Where it is parked: its `position` under `/api/v1/<service>/messaging/parked`."
    )
    event_id: UUID | None = Field(None, description="The event; null where its headers cannot be read.")
    event_type: str | None = Field(None, description="Its type; null where its headers cannot be read.")
    source_topic: str = Field(description="The topic that it was published to.")
    source_partition: int = Field(ge=0, description="The partition that it was read from.")
    source_offset: int = Field(ge=0, description="Its offset there.")
    attempts: int = Field(ge=1, description="How often it was tried again after it was parked.")
    error: str = Field(
        description="Why the last try failed, for people: the error's class and place, without the event's values."
    )
    died_at: AwareDatetime = Field(description="When the last try failed.")

    @property
    def destination(self) -> str:
        """The group's own dead-letter topic."""
        return f"{self.group}.dlq"


class Operations(NamedTuple):
    """One service's contracts of this kind."""

    audit_recorded: type[AuditRecorded]
    replay_requested: type[ReplayRequested]
    replay_cancelled: type[ReplayCancelled]
    event_died: type[EventDied]
    privacy_completed: type[PrivacyCompleted]
    job_progressed: type[JobProgressed]


OPERATIONS: Final[dict[str, Operations]] = {}
"""By service."""


def operations_of(service: str) -> Operations:
    """The service's contracts, made when they are first asked for; `contracts` has asked for all of ours."""
    if service not in OPERATIONS:
        OPERATIONS[service] = Operations(
            _contract(service, AuditRecorded, f"{service}.audit", "audit.recorded"),
            _contract(service, ReplayRequested, f"{service}.replay", "replay.requested"),
            _contract(service, ReplayCancelled, f"{service}.replay", "replay.cancelled"),
            _contract(service, EventDied, f"{service}.{{feature}}.dlq", "dead-letter.announced"),
            _contract(service, PrivacyCompleted, f"{service}.privacy", "privacy.completed"),
            _contract(service, JobProgressed, f"{service}.job", "job.progressed"),
        )
    return OPERATIONS[service]


def _contract(service: str, base: type[E], topic: str, name: str) -> type[E]:
    """The service's own class of a contract: the same fields, with the service's type and topic."""
    attributes = {
        "__module__": __name__,
        "__qualname__": f"{service.title()}{base.__name__}",
        "__doc__": base.__doc__,
        "type": f"stoa.{service}.{name}.v1",
        "topic": topic,
        "example": _example(base.example, service),
    }
    make_class: Any = type(base)
    made: type[E] = make_class(f"{service.title()}{base.__name__}", (base,), attributes)
    return made


def _example(value: Any, service: str) -> Any:
    if isinstance(value, dict):
        return {name: _example(each, service) for name, each in value.items()}
    return f"{service}.privacy" if value == _GROUP else value


for _service in SERVICES:
    operations_of(_service)
