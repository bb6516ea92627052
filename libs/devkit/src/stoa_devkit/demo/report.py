"""The page of results, for people and for programs."""

from dataclasses import dataclass
from typing import Any

from rich.bar import Bar
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stoa_devkit.demo.agreement import differences, figures_of
from stoa_devkit.demo.client import JSON
from stoa_devkit.demo.records import Answer, Citation, Course, Figures

PLOT_WIDTH = 40
HARDEST = 5


@dataclass(frozen=True)
class Outcome:
    """All that a demo found out."""

    gateway: str
    course: Course
    told: Figures
    answers: list[Answer]
    bad_citations: list[Citation]
    events: dict[str, int]
    dashboard: JSON
    email: str
    password: str

    def complaints(self) -> list[str]:
        """A sentence for everything that should not be so; none if the demo succeeded."""
        wrong = [
            f"A citation of {c.lesson!r} does not match its text at {c.start} to {c.end}." for c in self.bad_citations
        ]
        return differences(self.told, figures_of(self.dashboard)) + wrong

    @property
    def dashboard_url(self) -> str:
        return f"{self.gateway.rstrip('/')}/api/v1/analytics/courses/{self.course.id}"

    def as_json(self) -> dict[str, Any]:
        return {
            "course": self.course.title,
            **self.told.as_json(),
            "answers": [_answer_json(answer) for answer in self.answers],
            "events": self.events,
            "analytics": figures_of(self.dashboard).as_json(),
        }


def _answer_json(answer: Answer) -> dict[str, Any]:
    citations = [{"lesson": c.lesson, "start": c.start, "end": c.end, "quote": c.quote} for c in answer.citations]
    return {"question": answer.question, "text": answer.text, "citations": citations}


def show(outcome: Outcome, console: Console) -> None:
    """Print the page."""
    for title, content in _sections(outcome):
        console.print(Text(f"\n{title}", style="bold"))
        console.print(_indented(content))
    _show_dashboard(outcome, console)


def _sections(outcome: Outcome) -> list[tuple[str, RenderableType]]:
    return [
        (outcome.course.title, _summary(outcome)),
        ("Three answers", Group(*(_answer(answer) for answer in outcome.answers))),
        ("Scores of all attempts", distribution(outcome.dashboard["score_distribution"])),
        ("Hardest questions", _hardest(outcome.dashboard["hardest_questions"])),
        ("Events", _events(outcome.events)),
    ]


def _summary(outcome: Outcome) -> RenderableType:
    told = outcome.told
    mean = "none" if told.mean_score is None else f"{told.mean_score:.3f}"
    complaints = outcome.complaints()
    verdict = Text("\n".join(complaints), "red") if complaints else Text("Analytics agrees.", "green")
    return Group(f"{told.learners} learners, {told.attempts} attempts, mean score {mean}.", verdict)


def _answer(answer: Answer) -> RenderableType:
    text = Text(_on_one_line(answer.text) or "No answer.", style="" if answer.found else "dim")
    cited = [Text(f"[{c.lesson}, {c.start}-{c.end}] “{_on_one_line(c.quote)}”", style="dim") for c in answer.citations]
    return Group(Text(answer.question, "cyan"), _indented(Group(text, *cited), below=1))


def _indented(content: RenderableType, *, below: int = 0) -> Padding:
    return Padding(content, (0, 0, below, 2), expand=False)


def _on_one_line(text: str) -> str:
    """A quote keeps its lesson's line breaks; on the page they would stand in the middle of lines."""
    return " ".join(text.split())


def distribution(buckets: list[JSON]) -> RenderableType:
    """A bar for each bucket, the fullest as wide as the plot."""
    most = max((bucket["count"] for bucket in buckets), default=0)
    if not most:
        return Text("No attempt was graded.", "dim")
    plot = Table.grid(padding=(0, 1))
    for bucket in buckets:
        bar = Bar(most, 0, bucket["count"], width=PLOT_WIDTH, color="green")
        plot.add_row(f"{bucket['low']:.1f} to {bucket['high']:.1f}", bar, str(bucket["count"]))
    return plot


def _hardest(questions: list[JSON]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for question in questions[:HARDEST]:
        table.add_row(f"{question['mean_score']:.2f}", Text(question["title"]), f"{question['answers']} answers")
    return table if questions else Text("No question was answered.", "dim")


def _events(events: dict[str, int]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for topic, count in events.items():
        table.add_row(topic, str(count))
    return table


def _show_dashboard(outcome: Outcome, console: Console) -> None:
    console.print(Text("\nDashboard", style="bold"))
    # Never wrapped or cropped, however narrow the terminal: a broken address can't be clicked, nor copied.
    console.print(Text(f"  {outcome.dashboard_url}"), soft_wrap=True)
    console.print(Text(f"  To read it, log in as {outcome.email} with {outcome.password}", "dim"), soft_wrap=True)
