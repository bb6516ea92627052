import io
import json
from dataclasses import replace

from rich.console import Console

from stoa_devkit.demo.records import Answer, Citation, Course, Figures
from stoa_devkit.demo.report import Outcome, show

CITED = Citation("11", "Safe retries", 5, 12, "[bold]a")
BUCKETS = [{"low": i / 10, "high": (i + 1) / 10, "count": i} for i in range(10)]


def an_outcome() -> Outcome:
    return Outcome(
        gateway="http://127.0.0.1:8000/",
        course=Course("c1", "Building on Stoa", []),
        told=Figures(20, 60, 0.5),
        answers=[Answer("Why a key?", "So that it happens once.", [CITED], found=True, generated_by="extractive")],
        bad_citations=[],
        events={"content.attempt": 60},
        dashboard={
            "learners": 20,
            "attempts": 60,
            "mean_score": 0.5,
            "score_distribution": BUCKETS,
            "hardest_questions": [{"question_id": "q", "title": "The last page", "answers": 9, "mean_score": 0.25}],
        },
        email="admin@demo.stoa.example",
        password="secret",
    )


def page_of(outcome: Outcome, *, width: int = 120) -> str:
    page = io.StringIO()
    show(outcome, Console(file=page, width=width))
    return page.getvalue()


def test_the_json_object_has_the_promised_shape() -> None:
    told = json.loads(json.dumps(an_outcome().as_json()))

    assert told == {
        "course": "Building on Stoa",
        "learners": 20,
        "attempts": 60,
        "mean_score": 0.5,
        "answers": [
            {
                "question": "Why a key?",
                "text": "So that it happens once.",
                "citations": [{"lesson": "Safe retries", "start": 5, "end": 12, "quote": "[bold]a"}],
            }
        ],
        "events": {"content.attempt": 60},
        "analytics": {"learners": 20, "attempts": 60, "mean_score": 0.5},
    }


def test_the_page_shows_answers_plot_questions_events_and_the_dashboard() -> None:
    page = page_of(an_outcome())

    assert "20 learners, 60 attempts, mean score 0.500." in page
    assert "Analytics agrees." in page
    assert "[Safe retries, 5-12] “[bold]a”" in page
    assert "0.9 to 1.0" in page
    assert "█" * 40 in page
    assert "0.25  The last page" in page
    assert "content.attempt  60" in page
    assert "http://127.0.0.1:8000/api/v1/analytics/courses/c1" in page


def test_a_course_without_attempts_has_no_plot() -> None:
    outcome = an_outcome()
    empty = [{**bucket, "count": 0} for bucket in BUCKETS]

    page = page_of(replace(outcome, dashboard={**outcome.dashboard, "score_distribution": empty}))

    assert "No attempt was graded." in page


def test_figures_that_differ_and_citations_that_do_not_hold_are_complaints() -> None:
    outcome = replace(an_outcome(), told=Figures(20, 59, 0.5), bad_citations=[CITED])

    assert outcome.complaints() == [
        "59 attempts were graded, analytics counts 60.",
        "A citation of 'Safe retries' does not match its text at 5 to 12.",
    ]
    assert "59 attempts were graded" in page_of(outcome)


def test_the_dashboards_address_stays_whole_in_a_narrow_terminal() -> None:
    page = page_of(an_outcome(), width=30)

    assert "http://127.0.0.1:8000/api/v1/analytics/courses/c1\n" in page
