"""Learners take a quiz: the server scores, and keeps keys, hints and solutions until the rule allows them."""

import asyncio
from typing import Any

import pytest
from content_people import ImportCourse, MakeSomeone, Someone
from content_samples import quiz_of, with_file, zipped

from stoa_common.ids import new_id
from stoa_common.testing.delivery import Delivery
from stoa_events.contracts.content import AttemptGraded, LessonCompleted

RIGHT: dict[str, dict[str, Any]] = {
    "A vegetable": {"choices": ["b"]},
    "Fruits": {"choices": ["b", "a"]},
    "Petals": {"number": 5.3},
    "The green": {"text": "  CHLOROPHYLL "},
}
WRONG: dict[str, dict[str, Any]] = {
    "A vegetable": {"choices": ["a"]},
    "Fruits": {"choices": ["a", "c"]},
    "Petals": {"number": "2*3"},
    "The green": {"text": "paint"},
}


class Taking:
    """A learner who is enrolled, in front of the course's quiz."""

    def __init__(self, learner: Someone, quiz: dict[str, Any]) -> None:
        self.learner, self.quiz = learner, quiz

    async def attempt(self, answers: dict[str, dict[str, Any]]) -> Any:
        ids = {question["title"]: question["id"] for question in self.quiz["questions"]}
        body = {"answers": [{"question_id": ids[title], **answer} for title, answer in answers.items()]}
        return await self.learner.post(f"/quizzes/{self.quiz['id']}/attempts", body)


async def _quiz_of(someone: Someone, course_id: str) -> dict[str, Any]:
    course = (await someone.get(f"/courses/{course_id}")).json()
    lessons = [lesson for c in course["chapters"] for s in c["sections"] for lesson in s["lessons"]]
    quiz_id = next(lesson["quiz_id"] for lesson in lessons if lesson["quiz_id"])
    quiz: dict[str, Any] = (await someone.get(f"/quizzes/{quiz_id}")).json()
    return quiz


async def _take(learner: Someone, course_id: str) -> Taking:
    await learner.post(f"/courses/{course_id}/enrollments")
    return Taking(learner, await _quiz_of(learner, course_id))


@pytest.fixture
async def taking(learner: Someone, publish_course: ImportCourse) -> Taking:
    return await _take(learner, await publish_course())


async def test_a_quiz_is_read_without_its_keys(taking: Taking) -> None:
    quiz = (await taking.learner.get(f"/quizzes/{taking.quiz['id']}")).text

    for secret in ("key", "correct", "solution", "hint", "tuber", "Chlorophyll", "seeds", "root", "Five"):
        assert secret not in quiz
    assert [question["kind"] for question in taking.quiz["questions"]] == ["single", "multiple", "numeric", "text"]
    assert taking.quiz["questions"][0]["options"] == [{"id": "a", "text": "apple"}, {"id": "b", "text": "potato"}]


async def test_right_answers_score_one_and_complete_the_lesson(delivery: Delivery, taking: Taking) -> None:
    answer = await taking.attempt(RIGHT)

    attempt = answer.json()
    assert answer.status_code == 201
    assert (attempt["score"], attempt["passed"], attempt["number"]) == (1, True, 1)
    assert all(question["correct"] for question in attempt["questions"])
    (completed,) = await delivery.recorded(LessonCompleted, person_id=taking.learner.person_id)
    assert str(completed.lesson_id) == taking.quiz["lesson_id"]


async def test_an_attempt_is_recorded_as_it_was_told(delivery: Delivery, taking: Taking) -> None:
    told = (await taking.attempt({**WRONG, "Petals": {"number": 5}})).json()

    (event,) = await delivery.recorded(AttemptGraded, person_id=taking.learner.person_id)

    assert (str(event.attempt_id), event.score, event.passed) == (told["id"], told["score"], told["passed"])
    assert [(q.title, q.score) for q in event.questions] == [(q["title"], q["score"]) for q in told["questions"]]
    assert told["score"] == 0.25


async def test_feedback_is_about_what_was_chosen(taking: Taking) -> None:
    questions = (await taking.attempt(WRONG)).json()["questions"]

    assert [question["feedback"] for question in questions] == [
        "Its seeds make it a fruit.",
        "The carrot is a root.",
        "Count again.",
        None,
    ]


async def test_keys_hints_and_solutions_wait_for_the_last_attempt(taking: Taking) -> None:
    first = (await taking.attempt(WRONG)).json()
    assert all(_is_closed(question) for question in first["questions"])

    last = (await taking.attempt(WRONG)).json()

    assert last["questions"][0]["right_answer"] == "potato"
    assert last["questions"][0]["hints"] == ["Think of seeds."]
    assert last["questions"][0]["solution"] == "The potato is a tuber."
    read_again = (await taking.learner.get(f"/attempts/{first['id']}")).json()
    assert read_again["questions"][3]["solution"] == "Chlorophyll absorbs red and blue light."


def _is_closed(question: dict[str, Any]) -> bool:
    return (question["right_answer"], question["hints"], question["solution"]) == (None, [], None)


async def test_passing_opens_the_review(taking: Taking) -> None:
    attempt = (await taking.attempt(RIGHT)).json()

    assert attempt["questions"][2]["right_answer"] == "5 ± 0.5"


async def test_questions_left_out_score_nothing(taking: Taking) -> None:
    attempt = (await taking.attempt({"A vegetable": {"choices": ["b"]}, "Fruits": {"choices": []}})).json()

    assert [question["score"] for question in attempt["questions"]] == [1, 0, 0, 0]


async def test_attempts_run_out(taking: Taking) -> None:
    for _ in range(2):
        assert (await taking.attempt(WRONG)).status_code == 201

    refused = await taking.attempt(RIGHT)

    assert (refused.status_code, refused.json()["type"]) == (409, "urn:stoa:problem:no-attempts-left")


async def test_fifty_parallel_attempts_stay_within_the_limit(taking: Taking) -> None:
    answers = await asyncio.gather(*(taking.attempt(WRONG) for _ in range(50)))

    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(409)) == (2, 48)
    numbers = [answer.json()["number"] for answer in answers if answer.status_code == 201]
    assert sorted(numbers) == [1, 2]


async def test_a_quiz_is_for_those_who_enrolled(learner: Someone, publish_course: ImportCourse) -> None:
    quiz = await _quiz_of(learner, await publish_course())

    refused = await learner.post(f"/quizzes/{quiz['id']}/attempts", {"answers": []})

    assert (refused.status_code, refused.json()["type"]) == (409, "urn:stoa:problem:not-enrolled")


@pytest.mark.parametrize(
    ("title", "answer"),
    [
        ("A vegetable", {"choices": ["a", "b"]}),
        ("A vegetable", {"choices": ["z"]}),
        ("A vegetable", {"text": "potato"}),
        ("Petals", {"number": "about five"}),
        ("Petals", {"number": "9^9^9^9"}),
        ("Petals", {"choices": ["a"]}),
        ("The green", {"number": 5}),
        ("The green", {"text": "nul \x00 byte"}),
        ("The green", {"text": "x" * 10_001}),
    ],
)
async def test_an_answer_that_does_not_fit_is_refused(taking: Taking, title: str, answer: dict[str, Any]) -> None:
    refused = await taking.attempt({title: answer})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"].startswith("answers.0")
    assert (await taking.learner.get(f"/quizzes/{taking.quiz['id']}/attempts")).json()["items"] == []


async def test_a_question_is_answered_once_and_must_exist(taking: Taking) -> None:
    question = taking.quiz["questions"][0]["id"]
    path = f"/quizzes/{taking.quiz['id']}/attempts"

    for ids in ([question, question], [str(new_id())]):
        body = {"answers": [{"question_id": each, "choices": ["b"]} for each in ids]}
        assert (await taking.learner.post(path, body)).status_code == 422


@pytest.mark.parametrize("body", [b'{"answers": [{"question_id": "x"}]}', b'{"answers": NaN}', b"[]", b"{"])
async def test_a_body_that_cannot_be_read_is_refused(taking: Taking, body: bytes) -> None:
    path = f"/quizzes/{taking.quiz['id']}/attempts"

    answer = await taking.learner.post(path, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422


async def test_attempts_are_their_learners_to_read_and_the_authors(
    author: Someone, stranger: Someone, someone: MakeSomeone, taking: Taking
) -> None:
    attempt = (await taking.attempt(WRONG)).json()
    other = someone("learner")

    assert (await author.get(f"/attempts/{attempt['id']}")).status_code == 200
    assert (await other.get(f"/attempts/{attempt['id']}")).status_code == 404
    assert (await stranger.get(f"/attempts/{attempt['id']}")).status_code == 404
    quiz = f"/quizzes/{taking.quiz['id']}/attempts"
    assert [each["id"] for each in (await author.get(quiz)).json()["items"]] == [attempt["id"]]
    assert (await other.get(quiz)).json()["items"] == []
    assert (await stranger.get(quiz)).status_code == 404


async def test_a_quiz_of_a_draft_is_for_authors_to_read(
    author: Someone, learner: Someone, import_course: ImportCourse
) -> None:
    quiz = await _quiz_of(author, await import_course())

    assert (await learner.get(f"/quizzes/{quiz['id']}")).status_code == 404
    assert (await learner.post(f"/quizzes/{quiz['id']}/attempts", {"answers": []})).status_code == 404
    assert (await author.post(f"/quizzes/{quiz['id']}/attempts", {"answers": []})).status_code == 409


async def test_a_rule_of_never_keeps_the_solution(learner: Someone, publish_course: ImportCourse) -> None:
    quiz = quiz_of("## Q\n- (x) a\n- ( ) b\n> solution: It is a.").replace("kind: quiz", "kind: quiz\nreview: never")
    taking = await _take(learner, await publish_course(zipped(with_file("01-leaves/02-quiz.md", quiz))))

    attempt = (await taking.attempt({"Q": {"choices": ["a"]}})).json()

    assert attempt["passed"]
    assert _is_closed(attempt["questions"][0])
