"""Events of what models made and what it cost."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from stoa_events.contract import Event


class AnswerGenerated(Event):
    """A question about a course was answered, or honestly not."""

    type: ClassVar[str] = "stoa.ai.generation.answered.v1"
    topic: ClassVar[str] = "ai.generation"
    subject_field: ClassVar[str] = "generation_id"
    single: ClassVar[bool] = True

    generation_id: UUID
    organization_id: UUID
    course_id: UUID
    person_id: UUID
    generated_by: Literal["extractive", "model"]
    model: str
    found: bool = Field(description="False: nothing in the course fits, and the answer says so.")
    citation_count: int
    duration_ms: int
    generated_at: datetime


class UsageRecorded(Event):
    """What one call to a provider used."""

    type: ClassVar[str] = "stoa.ai.usage.recorded.v1"
    topic: ClassVar[str] = "ai.usage"
    subject_field: ClassVar[str] = "usage_id"
    single: ClassVar[bool] = True

    usage_id: UUID
    organization_id: UUID
    person_id: UUID
    generation_id: UUID
    feature: str
    model: str
    input_tokens: int
    output_tokens: int
    usage_source: Literal["provider", "estimate", "local"]
    recorded_at: datetime
