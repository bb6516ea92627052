"""A job as callers see it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from stoa_common.http.problems import Problem
from stoa_common.jobs.models import JobStatus


class JobResultOut(BaseModel):
    href: str = Field(description="Where to read what the job made.")
    id: UUID


class JobOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str
    status: JobStatus
    progress: float = Field(ge=0, le=1)
    step: str = Field(description="What it is at, in a few words.")
    result: JobResultOut | None = Field(None, description="Set when the job has succeeded.")
    problem: Problem | None = Field(None, description="Set when the job has failed.")
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    def told(self) -> dict[str, Any]:
        return self.model_dump(mode="json")
