"""HTTP shapes of people."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stoa_auth.people import addresses

Email = Annotated[str, Field(max_length=254, examples=["ada@example.org"]), AfterValidator(addresses.email)]
Name = Annotated[str, Field(max_length=addresses.LONGEST_NAME), AfterValidator(addresses.name)]


class PersonOut(BaseModel):
    """What Stoa's accounts hold on the caller."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str
    email_verified: bool = Field(description="Whether the person has shown that the address is theirs.")
    name: str | None
    operator: bool
    registered_at: datetime
