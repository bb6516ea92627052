"""HTTP shapes of browsers."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class BrowserSessionOut(BaseModel):
    """Who has logged in by this browser, for a front end that is served beside the gateway."""

    model_config = ConfigDict(from_attributes=True)

    person_id: UUID
    organization_id: UUID | None
    methods: list[str] = Field(description="How the person proved who they are (RFC 8176).", examples=[["pwd", "otp"]])
    authenticated_at: datetime
    expires_at: datetime = Field(description="When the person logs in again, however much they do until then.")
    csrf_token: str = Field(description="Send it as X-CSRF-Token with every write.")
    csrf: str = Field(description="The same, by the name that release 1.0 promised.")
