"""Webhooks as their organization sees and changes them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

Url = Annotated[str, Field(min_length=1, max_length=2000, description="Where deliveries are posted, by https.")]
Types = Annotated[list[str], Field(max_length=100, description="Only these event types; all, if none is named.")]
Description = Annotated[str, Field(max_length=500, description="For people.")]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WebhookIn(_In):
    url: Url
    types: Types = []
    description: Description = ""
    is_enabled: bool = Field(True, description="A webhook that begins disabled sends test events only.")


class WebhookChange(_In):
    """What is left out stays as it is."""

    url: Url | None = None
    types: Types | None = None
    description: Description | None = None
    is_enabled: bool | None = Field(None, description="Enabled again, it goes on where it stopped.")


class ReplayIn(_In):
    """One of the two."""

    after: str | None = Field(None, max_length=500, description="A cursor of the feed: send again what follows it.")
    since: AwareDatetime | None = Field(None, description="Send again from the first event of this time or later.")

    @model_validator(mode="after")
    def _is_one(self) -> "ReplayIn":
        if (self.after is None) == (self.since is None):
            raise ValueError("Give either `after` or `since`.")
        return self


class WebhookOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    url: str
    types: list[str]
    description: str
    is_enabled: bool
    disabled_reason: str | None = Field(description="Why it was disabled, if the platform did it.")
    read_until: int = Field(description="The `feednumber` up to which events have been sent at least once.")
    failures: int = Field(description="Failed attempts since the last that succeeded.")
    failing_since: datetime | None
    earlier_secret_until: datetime | None = Field(description="Until then the secret before a rotation signs too.")
    created_at: datetime


class WebhookWithSecret(WebhookOut):
    secret: str = Field(description="Signs the deliveries. Shown this once: keep it.")


class AttemptOut(BaseModel):
    at: datetime
    status: int | None = Field(description="The answer's; null where there was none.")
    duration_ms: int
    error: str | None


class DeliveryOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str = Field(description="event, test or replay")
    event_id: UUID = Field(description="The `webhook-id` of every attempt.")
    type: str
    number: int | None = Field(description="The event's `feednumber`; a test event has none.")
    status: str = Field(description="waiting, delivered or failed")
    attempts: list[AttemptOut]
    created_at: datetime
    next_attempt_at: datetime | None
    ended_at: datetime | None


class ReplayOut(BaseModel):
    from_number: int = Field(description="The `feednumber` after which events are sent again.")
    until_number: int = Field(description="The `feednumber` up to which they had been sent before.")


def with_secret(webhook: Any, secret: str) -> WebhookWithSecret:
    return WebhookWithSecret(**WebhookOut.model_validate(webhook).model_dump(), secret=secret)
