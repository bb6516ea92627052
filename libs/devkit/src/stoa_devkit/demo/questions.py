"""What the learners ask."""

from collections.abc import Iterable

from stoa_devkit.demo.records import Course

ABOUT_STOA = (
    "What does a request's Idempotency-Key do?",
    "Which part of Stoa does a client talk to?",
    "What happens to an event that fails three times?",
    "How long is an Idempotency-Key kept?",
    "What is the difference between 403 and 404?",
    "When does a service write an event into its outbox?",
    "What does a citation hold?",
    "How do I invite a whole class?",
    "Which command stops a detached platform?",
    "What does make up need?",
)
"""For the course that comes with Stoa; each is answered by one of its sentences."""

LEAST = 3
MOST = 12


def questions_about(course: Course) -> list[str]:
    """Questions for any course, made from its titles: at least three, different ones, an answer not guaranteed."""
    titles = _distinct([*(lesson.title for lesson in course.lessons), *course.headings])
    asked = [f"What does the course say about {_inside(title)}?" for title in titles]
    return _distinct([*asked[:MOST], *_general(course)])[: max(LEAST, min(len(asked), MOST))]


def _general(course: Course) -> list[str]:
    return [
        f"What is {_inside(course.title)} about?",
        f"What comes first in {_inside(course.title)}?",
        f"What should I know after {_inside(course.title)}?",
    ]


def _inside(title: str) -> str:
    """A title as a part of a sentence: without the mark that ends it."""
    return title.strip().rstrip("?!.: ") or "this"


def _distinct(texts: Iterable[str]) -> list[str]:
    seen: dict[str, str] = {}
    for text in texts:
        if text.strip():
            seen.setdefault(text.strip().casefold(), text.strip())
    return list(seen.values())


def shares(questions: list[str], learners: int) -> list[list[str]]:
    """Which questions each learner asks: one or two of a class, and all three of a learner who is nearly alone."""
    if learners < LEAST:
        return [questions[:LEAST] for _ in range(learners)]
    count = len(questions)
    seconds = [[questions[(i + count // 2) % count]] if i % 2 else [] for i in range(learners)]
    return [[questions[i % count], *seconds[i]] for i in range(learners)]
