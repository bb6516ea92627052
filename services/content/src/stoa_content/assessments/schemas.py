"""Quizzes and attempts over HTTP. No schema of a quiz has a field for a key, a hint or a solution."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from stoa_content.assessments.questions import Answer, QuestionKind, Review

#: PostgreSQL keeps no NUL in a text.
AnswerText = Annotated[str, StringConstraints(max_length=10_000, pattern=r"^[^\x00]*$")]
OptionId = Annotated[str, StringConstraints(max_length=20)]
Number = Annotated[float, Field(allow_inf_nan=False)]

_EXAMPLE: dict[str, Any] = {
    "answers": [
        {"question_id": "0199f1c0-0000-7000-8000-000000000001", "choices": ["b"]},
        {"question_id": "0199f1c0-0000-7000-8000-000000000002", "number": 41.8},
        {"question_id": "0199f1c0-0000-7000-8000-000000000003", "text": "Alaska"},
    ]
}


class OptionOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str = Field(description="Send it in `choices`.", examples=["a"])
    text: str


class QuestionOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: QuestionKind
    title: str
    prompt: str = Field(description="Markdown.")
    options: list[OptionOut] = Field(description="Empty unless the kind is single or multiple.")


class QuizOut(BaseModel):
    id: UUID
    title: str
    lesson_id: UUID
    course_id: UUID
    max_attempts: int | None = Field(description="Null: as many as the learner likes.")
    passing_score: float = Field(ge=0, le=1)
    review: Review = Field(description="When right answers, hints and solutions may be seen.")
    questions: list[QuestionOut]


class AnswerIn(BaseModel):
    question_id: UUID
    choices: list[OptionId] | None = Field(None, max_length=50, description="For single and multiple: ids of options.")
    number: Number | Annotated[str, StringConstraints(max_length=100)] | None = Field(
        None, description="For numeric: a number, or short arithmetic such as `9.3*10^7`."
    )
    text: AnswerText | None = Field(None, description="For text.")

    def answer(self) -> Answer:
        return Answer(
            choices=frozenset(self.choices) if self.choices is not None else None,
            number=str(self.number) if self.number is not None else None,
            text=self.text,
        )


class AttemptIn(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    answers: list[AnswerIn] = Field(max_length=500, description="At most one a question; one left out scores 0.")


class QuestionResultOut(BaseModel):
    question_id: UUID
    title: str
    score: float = Field(ge=0, le=1)
    correct: bool
    feedback: str | None
    right_answer: str | None = Field(description="Null until the review rule allows it, as hints and solution.")
    hints: list[str]
    solution: str | None


class AttemptSummaryOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    quiz_id: UUID
    course_id: UUID
    lesson_id: UUID
    person_id: UUID
    number: int = Field(description="The learner's how-manieth attempt at this quiz.")
    score: float = Field(ge=0, le=1)
    passed: bool
    graded_at: datetime


class AttemptOut(AttemptSummaryOut):
    questions: list[QuestionResultOut]


def quiz_fields(row: Any) -> dict[str, Any]:
    """The fields of a quiz's row that a learner may see."""
    return {name: getattr(row, name) for name in QuizOut.model_fields if name != "questions"}
