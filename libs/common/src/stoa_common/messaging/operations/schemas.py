"""Consumer groups and what they could not handle, as operators see them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

#: PostgreSQL stores no NUL.
Storable = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=2000)]
State = Literal["waiting", "dead", "discarded"]


class PartitionOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    topic: str
    partition: int
    committed: int | None = Field(description="The next offset to read; null where the group has committed none yet.")
    end: int
    lag: int = Field(description="Records that the group has not settled yet.")
    oldest_at: datetime | None = Field(description="When the oldest of them was written; null where there is none.")


class ParkedCountsOut(BaseModel):
    waiting: int = 0
    dead: int = 0
    discarded: int = 0
    oldest_parked_at: datetime | None = Field(None, description="Of what waits or is dead.")


class GroupOut(BaseModel):
    group: str
    door: Literal["on", "batch"] = Field(description="`on`: event by event, with inbox and parking; `batch`: copies.")
    topics: list[str]
    types: list[str] = Field(description="Event types with a handler; empty for batches, which take all.")
    lag: int
    oldest_at: datetime | None = Field(description="When the oldest record that is not settled was written.")
    partitions: list[PartitionOut]
    parked: ParkedCountsOut
    bad_events: int
    active_replay: UUID | None = Field(description="The replay that runs into this group, if any.")
    needs_rebuild: bool = Field(description="It has gained a type since its tables were built: rebuild it.")


class ParkedOut(BaseModel):
    """A parked event without its data."""

    model_config = ConfigDict(from_attributes=True)

    position: int
    group: str
    state: State
    type: str | None = Field(description="From the headers; null where they have none.")
    event_id: str | None
    topic: str
    partition: int
    offset: int
    key: str
    error: str
    attempts: int
    parked_at: datetime
    next_try_at: datetime | None = Field(description="Null where it is not tried again by itself.")
    edited_at: datetime | None
    ahead: int = Field(description="Events of its key that wait before it: it is tried when they are gone.")
    behind: int = Field(description="Events of its key that wait for this one.")


class Content(BaseModel):
    """A record as it came from Kafka."""

    headers: list[tuple[str, str | None]]
    data: Any = Field(None, description="The value, where it is JSON.")
    data_base64: str | None = Field(None, description="The value, where it is not.")


class ParkedContentOut(ParkedOut, Content):
    """A parked event with headers and data."""


class EditIn(BaseModel):
    """What to change. Headers that are not named stay; one that is null is removed."""

    model_config = ConfigDict(extra="forbid")

    headers: dict[Annotated[Storable, StringConstraints(min_length=1)], Storable | None] = Field(
        default_factory=dict, max_length=100
    )
    data: Any = Field(None, description="The new value, as JSON.")
    data_base64: Annotated[str, StringConstraints(max_length=1_400_000)] | None = Field(
        None, description="The new value, as bytes."
    )
    force: bool = Field(False, description="Take it although no handler could read it as it is then.")

    @property
    def has_data(self) -> bool:
        return "data" in self.model_fields_set

    @model_validator(mode="after")
    def _changes_something(self) -> "EditIn":
        if self.has_data and self.data_base64 is not None:
            raise ValueError("Send data or data_base64, not both.")
        if not (self.headers or self.has_data or self.data_base64 is not None):
            raise ValueError("Send headers, data or data_base64.")
        return self


class DiscardIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$")
    ]


class BadEventOut(BaseModel):
    """A record that a batch group could not read: it is kept, and nothing waits for it."""

    model_config = ConfigDict(from_attributes=True)

    group: str
    topic: str
    partition: int
    offset: int
    error: str
    found_at: datetime


class BadEventContentOut(BadEventOut, Content):
    """Such a record with headers and value."""
