"""One learner's way through the course: enroll, read, complete, ask, take quizzes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from stoa_devkit.demo.answer_sheet import AnswerSheet
from stoa_devkit.demo.client import JSON, Person
from stoa_devkit.demo.records import Course, Lesson, Told
from stoa_devkit.demo.simulation import Ability, fill_in
from stoa_devkit.demo.tutor import ask

Tick = Callable[[str], None]
"""Called with `lessons`, `questions` or `quizzes` after each that is done."""


@dataclass
class Learner:
    """A person, what they will ask, and how able they are."""

    person: Person
    ability: Ability
    questions: list[str]
    _texts: dict[str, str] = field(default_factory=dict)

    async def study(self, course: Course, sheet: AnswerSheet, told: Told, tick: Tick) -> None:
        """Everything, in order; what the platform answered is added to `told`."""
        enrollment = await self.person.post(f"/api/v1/content/courses/{course.id}/enrollments")
        told.learners += 1
        for lesson in course.lessons:
            await self._read(course, lesson, enrollment["id"], sheet, told, tick)
        for question in self.questions:
            await self._ask(course, question, told)
            tick("questions")

    async def _read(
        self, course: Course, lesson: Lesson, enrollment_id: str, sheet: AnswerSheet, told: Told, tick: Tick
    ) -> None:
        content = await self._open(course, lesson.id)
        if content["quiz_id"]:
            told.scores += await self._take_quiz(content["quiz_id"], sheet)
            tick("quizzes")
        await self.person.post(f"/api/v1/content/enrollments/{enrollment_id}/lessons/{lesson.id}/completion")
        tick("lessons")

    async def _open(self, course: Course, lesson_id: str) -> JSON:
        lesson: JSON = await self.person.get(f"/api/v1/content/courses/{course.id}/lessons/{lesson_id}")
        self._texts[lesson_id] = lesson["text"]
        return lesson

    async def _take_quiz(self, quiz_id: str, sheet: AnswerSheet) -> list[float]:
        """The scores of one try, or of two where the first was not passed and another is allowed."""
        quiz = await self.person.get(f"/api/v1/content/quizzes/{quiz_id}")
        if not quiz["questions"]:
            return []
        first = await self._attempt(quiz, sheet)
        if first["passed"] or quiz["max_attempts"] == 1:
            return [first["score"]]
        self.ability.learn()
        return [first["score"], (await self._attempt(quiz, sheet))["score"]]

    async def _attempt(self, quiz: JSON, sheet: AnswerSheet) -> JSON:
        answers = fill_in(quiz["questions"], sheet, self.ability)
        attempt: JSON = await self.person.post(f"/api/v1/content/quizzes/{quiz['id']}/attempts", {"answers": answers})
        return attempt

    async def _ask(self, course: Course, question: str, told: Told) -> None:
        answer = await ask(self.person, course.id, question)
        told.answers.append(answer)
        told.bad_citations += [c for c in answer.citations if not c.holds_in(await self._text(course, c.lesson_id))]

    async def _text(self, course: Course, lesson_id: str) -> str:
        if lesson_id not in self._texts:
            await self._open(course, lesson_id)
        return self._texts[lesson_id]
