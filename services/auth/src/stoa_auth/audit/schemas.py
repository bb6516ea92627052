"""HTTP shapes of the audit log."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
#: PostgreSQL's text has no NUL.
_TEXT = r"^[^\x00]*$"
Moment = Annotated[AwareDatetime, Field(ge=_EARLIEST, lt=_LATEST)]


class RecordOut(BaseModel):
    """One act. Personal parts are null once their person was erased; the hashes hold on."""

    id: UUID
    organization_id: UUID | None = Field(description="Whose log it is in; null for the platform's own.")
    number: int = Field(description="Its place in this log, counted from 1 without a gap.")
    recorded_at: datetime = Field(description="When it was done.")
    service: str = Field(description="The service in which it was done.")
    action: str = Field(description="What was done, as `noun.verb`.", examples=["member.invite"])
    person_id: UUID | None = Field(description="Who did it; null where nobody is known, or a machine acted.")
    machine: str | None = Field(description="What did it, where no person acted: `api-key:<id>`.")
    subject_id: UUID | None = Field(description="The person it was done to, where that is somebody else.")
    on_behalf_of: UUID | None = Field(
        None, description="The person in whose place it was done, where an operator impersonated them."
    )
    target: str | None = Field(description="What it was done to.")
    address: str | None = Field(description="The network address that it came from.")
    user_agent: str | None = Field(description="The program that it came from, as it called itself.")
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    correlation_id: str | None = Field(description="The request that led to it; logs and events have it too.")
    previous_hash: str = Field(description="The hash of the record before; zeros before the first. Hexadecimal.")
    hash: str = Field(description="SHA-256 over the hash before and the record's canonical bytes. Hexadecimal.")


class BrokenOut(BaseModel):
    """Where a log is not what was written."""

    number: int = Field(description="The first bad record, or the first that is missing.")
    problem: str


class VerificationOut(BaseModel):
    """What recomputing a log has found. Note its head elsewhere: it shows later what was cut off or rewritten."""

    organization_id: UUID | None
    holds: bool
    records: int = Field(description="How many records, from the first, are as they were written.")
    head: str = Field(description="The hash of the last of these; zeros where there is none. Hexadecimal.")
    broken: BrokenOut | None


class Choice(BaseModel):
    """Which records of a log."""

    actor: UUID | None = None
    action: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def _choice(
    actor: Annotated[UUID | None, Query(description="Only what this person did.")] = None,
    action: Annotated[
        str | None,
        Query(max_length=100, pattern=_TEXT, description="Only this action; a noun alone, all of its actions."),
    ] = None,
    target: Annotated[
        str | None, Query(max_length=500, pattern=_TEXT, description="Only what was done to this.")
    ] = None,
    since: Annotated[Moment | None, Query(alias="from", description="Only what was done then or later.")] = None,
    until: Annotated[Moment | None, Query(description="Only what was done before.")] = None,
) -> Choice:
    return Choice(actor=actor, action=action, target=target, since=since, until=until)


ChoiceQuery = Annotated[Choice, Depends(_choice)]
LogQuery = Annotated[
    UUID | None,
    Query(alias="organization_id", description="Whose log; operators may name any, and see the platform's without it."),
]
HeadQuery = Annotated[
    str | None,
    Query(pattern="^[0-9a-f]{64}$", description="A head that was noted before: the log must have passed it."),
]
