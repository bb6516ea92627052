"""Events of what models made and what it cost."""

from typing import Any, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from stoa_events.contract import Event
from stoa_events.contracts import story


class AnswerGenerated(Event):
    """A question about a course was answered, or honestly not."""

    type: ClassVar[str] = "stoa.ai.generation.answered.v1"
    topic: ClassVar[str] = "ai.generation"
    subject_field: ClassVar[str] = "generation_id"
    single: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {
        "generation_id": story.GENERATION,
        "organization_id": story.ORGANIZATION,
        "course_id": story.COURSE,
        "person_id": story.ADA,
        "generated_by": "extractive",
        "model": "extractive-1",
        "found": True,
        "citation_count": 2,
        "duration_ms": 74,
        "generated_at": "2025-06-24T22:04:08.112806Z",
    }

    generation_id: UUID = Field(description="The answer.")
    organization_id: UUID = Field(description="The organization that the course belongs to.")
    course_id: UUID = Field(description="The course that was asked about.")
    person_id: UUID = Field(description="Who asked.")
    generated_by: str = Field(
        description="`extractive`: sentences of the course, no model; `model`: a language model. More may come."
    )
    model: str = Field(description="The model's name, as its provider gives it.")
    found: bool = Field(description="False: nothing in the course fits, and the answer says so.")
    citation_count: int = Field(ge=0, description="How many passages the answer cites.")
    duration_ms: int = Field(ge=0, description="From question to the end of the answer, in milliseconds.")
    generated_at: AwareDatetime = Field(description="When the answer was complete.")


class UsageRecorded(Event):
    """A call to a provider ended, and this is what it used.

    What that costs is the provider's to say: the event has tokens and no money.
    """

    type: ClassVar[str] = "stoa.ai.usage.recorded.v1"
    topic: ClassVar[str] = "ai.usage"
    subject_field: ClassVar[str] = "usage_id"
    single: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {
        "usage_id": story.USAGE,
        "organization_id": story.ORGANIZATION,
        "person_id": story.ADA,
        "generation_id": story.GENERATION,
        "feature": "ask",
        "model": "extractive-1",
        "input_tokens": 812,
        "output_tokens": 96,
        "usage_source": "local",
        "recorded_at": "2025-06-24T22:04:08.112806Z",
    }

    usage_id: UUID = Field(description="The call.")
    organization_id: UUID = Field(description="The organization that the call is counted for.")
    person_id: UUID | None = Field(None, description="The person that the call was made for; null where it was nobody.")
    generation_id: UUID | None = Field(
        None, description="The answer that the call was part of; null where it was part of none."
    )
    feature: str = Field(description="The feature that made the call: `ask`. More may come.")
    model: str = Field(description="The model's name, as its provider gives it.")
    input_tokens: int = Field(ge=0, description="Tokens that were sent.")
    output_tokens: int = Field(ge=0, description="Tokens that came back.")
    usage_source: str = Field(
        description="Who counted: `provider`, the provider; `estimate`, we, by the text's length; `local`, a provider "
        "without a bill. More may come."
    )
    recorded_at: AwareDatetime = Field(description="When the call ended.")
