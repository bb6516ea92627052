"""Erasures as operators see them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

IsOpenQuery = Annotated[
    bool | None, Query(alias="open", description="Only those that are not complete, or only those.")
]
PersonQuery = Annotated[UUID | None, Query(description="Only of the person who had this id.")]


class ErasureOut(BaseModel):
    """An erasure, without a name: the digest is SHA-256 of `stoa-person:` and the person's id."""

    person_digest: str
    requested_at: datetime
    completed_at: datetime | None = Field(description="When the last service had forgotten the person.")
    completed: dict[str, datetime] = Field(description="When each service had forgotten them.")
    waiting_for: list[str] = Field(description="The services that have not said so yet.")
    is_late: bool = Field(description="Some service should have answered by now.")
