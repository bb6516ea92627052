from hypothesis import given
from hypothesis import strategies as st

from stoa_devkit.demo.questions import LEAST, MOST, questions_about, shares
from stoa_devkit.demo.records import Course, Lesson


def a_course(*titles: str, title: str = "Kitchen sink") -> Course:
    return Course("1", title, [Lesson(str(i), text) for i, text in enumerate(titles)])


def test_a_question_is_made_from_each_title() -> None:
    questions = questions_about(a_course("Checkboxes", "What is a dropdown?", "Numbers", "checkboxes"))

    assert questions == [
        "What does the course say about Checkboxes?",
        "What does the course say about What is a dropdown?",
        "What does the course say about Numbers?",
    ]


@given(st.lists(st.text(max_size=20), max_size=30), st.text(max_size=20))
def test_any_course_gives_at_least_three_different_questions(titles: list[str], title: str) -> None:
    questions = questions_about(a_course(*titles, title=title))

    assert LEAST <= len(set(questions)) == len(questions) <= MOST


@given(st.integers(3, 12), st.integers(1, 60))
def test_a_class_asks_at_least_three_different_questions(count: int, learners: int) -> None:
    questions = [f"question {i}" for i in range(count)]

    shared = shares(questions, learners)

    assert len(shared) == learners
    assert len({question for share in shared for question in share}) >= min(LEAST, count)
    assert all(1 <= len(set(share)) == len(share) for share in shared)
