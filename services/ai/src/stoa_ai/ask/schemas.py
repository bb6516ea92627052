"""HTTP shapes of questions and answers."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints


class QuestionIn(BaseModel):
    course_id: UUID
    question: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class DeltaOut(BaseModel):
    """Event `delta`: the answer goes on with this."""

    text: str


class CitationOut(BaseModel):
    """Event `citation`: `quote` is the lesson's text, in this revision, from `start` to `end`."""

    number: int = Field(description="Counts from 1; a model's answer refers to it as [number].")
    lesson_id: UUID
    lesson: str = Field(description="The lesson's title.")
    revision: int
    start: int = Field(description="Offset into the lesson's text, in Unicode code points.")
    end: int
    quote: str


class DoneOut(BaseModel):
    """Event `done`: the answer is whole and recorded."""

    generation_id: UUID
    found: bool = Field(description="False: the course does not answer this.")
    generated_by: Literal["extractive", "model"]
    model: str


class AnswerOut(DoneOut):
    """The whole answer at once."""

    text: str
    citations: list[CitationOut]
