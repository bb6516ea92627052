"""Exports as people see them."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class ExportOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    job_id: UUID = Field(description="The job that collects it.")
    asked_at: datetime
    ready_at: datetime | None = Field(description="From then on its archive can be downloaded.")
    expires_at: datetime = Field(description="Then it is deleted.")
