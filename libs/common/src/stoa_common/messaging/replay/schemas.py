"""The HTTP shapes of replays and offset resets."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stoa_common.messaging.replay import domain

#: PostgreSQL stores no NUL.
Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Moment = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2100, 1, 1, tzinfo=UTC))]


class ReplayIn(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    group: Name = Field(description="The consumer group that gets the events again, such as `ai.passages`.")
    types: list[Name] = Field(
        default_factory=list, max_length=200, description="Only these event types; default: all that the group reads."
    )
    key: Name | None = Field(None, description="Only the events of this aggregate: its id.")
    recorded_from: Moment | None = Field(None, alias="from", description="Only events recorded then or later.")
    recorded_until: Moment | None = Field(None, alias="to", description="Only events recorded before.")
    rate: int = Field(domain.DEFAULT_RATE, description="How many events a second each publisher sends at most.")
    rebuild: bool = Field(
        False,
        description="First empty the group's tables with its inbox; until they are filled, nothing new is handled.",
    )

    def wanted(self) -> domain.Wanted:
        return domain.Wanted(
            types=tuple(dict.fromkeys(self.types)),
            key=self.key,
            recorded_from=self.recorded_from,
            recorded_until=self.recorded_until,
            rate=self.rate,
            rebuild=self.rebuild,
        )


class CountsOut(BaseModel):
    sent: int = Field(0, description="By the publishers that have ended.")
    handled: int = Field(0, description="Applied now, for the first time or anew.")
    duplicate: int = Field(0, description="Were applied already.")
    stale: int = Field(0, description="A later event of their key was applied already.")
    parked: int = 0
    skipped: int = 0


class PublisherOut(BaseModel):
    publisher: str
    sent: int | None = Field(None, description="Known when it has ended.")
    has_ended: bool = False


class ReplayOut(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    id: UUID
    group: str
    types: list[str] = Field(description="None: everything that the group reads.")
    key: str | None
    recorded_from: datetime | None = Field(alias="from")
    recorded_until: datetime | None = Field(alias="to")
    rate: int
    rebuild: bool
    state: domain.State = Field(description="It stays `requested` while no consumer of the group runs.")
    reason: str = Field(description="Why it failed.")
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    counts: CountsOut
    publishers: list[PublisherOut]


class OffsetResetIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    group: Name = Field(description="The consumer group whose offsets are moved.")
    topic: Name = Field(description="A topic that the group reads.")
    partition: int | None = Field(None, ge=0, le=100_000, description="Default: all of the topic's partitions.")
    to: Literal["earliest", "latest"] | Moment = Field(
        description="`earliest`, `latest`, or a time: the first record published then or later."
    )


class AppliedOut(BaseModel):
    partition: int
    offset: int
    applied_at: datetime


class OffsetResetOut(BaseModel):
    id: UUID
    group: str
    topic: str
    partition: int | None
    to: str
    state: Literal["requested", "applied", "cancelled"]
    requested_at: datetime
    cancelled_at: datetime | None
    applied: list[AppliedOut]
