"""HTTP shapes of the dashboards."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class BucketOut(BaseModel):
    low: float = Field(description="The lowest score of the bucket.")
    high: float = Field(description="Scores stay below it; the last bucket holds 1 too.")
    count: int


class QuestionOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    question_id: UUID
    title: str
    answers: int
    mean_score: float = Field(ge=0, le=1)


class CourseDashboard(BaseModel):
    course_id: UUID
    learners: int = Field(description="People who enrolled.")
    attempts: int = Field(description="Graded attempts, all quizzes of the course together.")
    mean_score: float | None = Field(ge=0, le=1, description="Of all graded attempts; null before the first.")
    completion: float | None = Field(ge=0, le=1, description="Share of learners who finished; null before the first.")
    mean_progress: float | None = Field(ge=0, le=1, description="Of all learners; null before the first.")
    score_distribution: list[BucketOut] = Field(description="Ten buckets of equal width.")
    hardest_questions: list[QuestionOut] = Field(description="Up to five, lowest mean score first.")
    updated_at: datetime = Field(description="When the warehouse last learned something of the course.")


class EventCountOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    topic: str
    type: str
    count: int


class EventSummary(BaseModel):
    items: list[EventCountOut]
    total: int
