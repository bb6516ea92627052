"""The service's tables, all in one place: importing this module makes `metadata` complete."""

from stoa_ai.ask.models import Generation
from stoa_ai.passages.models import Course, Lesson, Passage, Posting
from stoa_common.database import Base

metadata = Base.metadata

__all__ = ["Course", "Generation", "Lesson", "Passage", "Posting", "metadata"]
