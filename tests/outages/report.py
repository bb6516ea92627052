"""What a run has shown, as a table for people."""

from collections import Counter
from pathlib import Path

from .promises import Answer
from .rounds import Round
from .run import Outcome

HEAD = (
    "| part | what happened | requests | answers | slowest of its own | slowest of others | last refusal | all well |"
)


def write_report(path: Path, outcome: Outcome) -> None:
    """Markdown; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# Outages\n\n{table(outcome)}\n\n{summary(outcome)}\n")


def table(outcome: Outcome) -> str:
    """One row a round."""
    return "\n".join([HEAD, "|" + " --- |" * 8, *(_row(done) for done in outcome.rounds)])


def summary(outcome: Outcome) -> str:
    """What holds for the whole run, and everything that does not."""
    lines = [
        f"{outcome.answers:,} answers in {len(outcome.rounds)} rounds; {outcome.writes:,} attempts were made by key,",
        f"each once, and told {outcome.told:,} times on the stream, with {outcome.resets} resets.",
        f"As wanted: {', '.join(f'{count} x {name}' for name, count in sorted(outcome.fine.items()))}.",
        f"The gateway before: {outcome.before}; after: {outcome.after}.",
        "Every promise was kept." if outcome.holds else "Broken:",
    ]
    return "\n".join([*lines, *(f"- {what}" for what in outcome.all_broken)])


def _row(done: Round) -> str:
    cells = [
        done.fault.target,
        str(done.fault).removeprefix(f"{done.fault.target} "),
        str(len(done.answers)),
        _counted(done),
        _longest(done.slowest(touched=True)),
        _longest(done.slowest(touched=False)),
        f"{done.refused_until:.1f} s" if done.refused_until else "-",
        "never" if done.well_after is None else f"{done.well_after:.1f} s",
    ]
    return f"| {' | '.join(cells)} |"


def _counted(done: Round) -> str:
    counts = Counter(_kind(answer) for answer in done.answers)
    return ", ".join(f"{count} x {kind}" for kind, count in sorted(counts.items()))


def _kind(answer: Answer) -> str:
    name = f"`{answer.told}`" if answer.told else ""
    local = "counted locally" if answer.counted_locally else ""
    return " ".join(part for part in (str(answer.status or "no answer"), name, local) if part)


def _longest(answer: Answer | None) -> str:
    return f"{answer.seconds:.1f} s" if answer is not None else "-"
