"""The report of a run, for people: what came when, what held, and how soon all was well again."""

import os
import platform
from pathlib import Path

from .recovery import Round
from .run import Outcome


def write_report(path: Path, outcome: Outcome, *, brokers: int) -> None:
    """Markdown; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = [_head(outcome, brokers), _equalities(outcome), _ages(outcome), _timeline(outcome), _restarts(outcome)]
    path.write_text("\n".join(parts))


def _head(outcome: Outcome, brokers: int) -> str:
    options, minutes = outcome.options, outcome.loaded_seconds / 60
    rate = outcome.events / max(outcome.loaded_seconds, 1)
    kinds = len({name for done in outcome.rounds for name in done.names})
    verdict = "Every equality holds." if outcome.holds else f"Broken: {', '.join(sorted(outcome.broken))}."
    command = f"--seconds {options.seconds:.0f} --seed {options.seed} --rate {options.rate:.0f} --brokers {brokers}"
    skipped = [f"Skipped: `{name}`: {why}.\n" for name, why in outcome.skipped.items()]
    lines = [
        f"# A fault run of {minutes:.0f} minutes: seed {options.seed}, {brokers} broker{'s' * (brokers > 1)}\n",
        f"**{verdict}** {outcome.calls:,} commands made {outcome.events:,} events, {rate:.0f} a second (asked for:",
        f"{options.rate:.0f}), under {len(outcome.rounds):,} rounds of {kinds} kinds of faults. Rest came",
        f"{outcome.rest_seconds:.0f} s after the load ended. Limits of I9: x{options.slack:g}.\n",
        f"Run it again: `python -m tests.faults {command}`\n",
        f"Machine: {_machine()}; servers, system and load together on it.\n",
    ]
    return "\n".join([*lines, *skipped])


def _machine() -> str:
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {_memory_gb():.0f} GB, {system}"


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _equalities(outcome: Outcome) -> str:
    rows = [f"| {v.name} | {'holds' if v.holds else '**broken**'} | {v.counts} |" for v in outcome.verdicts]
    broken = [f"\n{verdict}\n" for verdict in outcome.verdicts if not verdict.holds]
    return "\n".join(["## Equalities\n", "| | | counts |", "| --- | --- | --- |", *rows, *broken, ""])


def _ages(outcome: Outcome) -> str:
    """By kind of fault: the worst of its rounds."""
    kinds: dict[str, list[Round]] = {}
    for done in outcome.rounds:
        kinds.setdefault(done.name if len(done.names) == 1 else "mixes", []).append(done)
    rows = [_age_row(kind, rounds) for kind, rounds in sorted(kinds.items())]
    columns = (
        "fault",
        "rounds",
        "oldest age meanwhile",
        "processes back after",
        "ages under 1 s after that",
        "limit",
        "",
    )
    head = f"| {' | '.join(columns)}and for what waited |"
    title = "## Ages after each kind of fault (the worst of its rounds)\n"
    return "\n".join([title, head, "| --- " * len(columns) + "|", *rows, ""])


def _age_row(kind: str, rounds: list[Round]) -> str:
    oldest = max(done.oldest for done in rounds)
    back = max((done.returned_after or 0.0) for done in rounds)
    recovered = [done.recovered_after for done in rounds]
    worst = "never" if None in recovered else f"{max(value or 0.0 for value in recovered):.1f} s"
    limit = max(done.limit for done in rounds)
    allowance = max(done.allowance for done in rounds)
    return f"| {kind} | {len(rounds)} | {oldest:.1f} s | {back:.1f} s | {worst} | {limit:.0f} s | {allowance:.0f} s |"


def _timeline(outcome: Outcome) -> str:
    rows = [_moment(done) for done in outcome.rounds]
    head = "| at | fault | lasted | ages under 1 s after | said by /readyz |"
    return "\n".join(["## Timeline\n", head, "| --- " * 5 + "|", *rows, ""])


def _moment(done: Round) -> str:
    minutes, seconds = divmod(int(done.began), 60)
    return f"| {minutes}:{seconds:02} | {done.name} | {done.lasted:.1f} s | {_seconds(done)} | {_unready(done)} |"


def _seconds(done: Round) -> str:
    return "never" if done.recovered_after is None else f"{done.recovered_after:.1f} s"


def _unready(done: Round) -> str:
    return ", ".join(f"{process}: {'+'.join(sorted(parts))}" for process, parts in sorted(done.unready.items()))


def _restarts(outcome: Outcome) -> str:
    rows = [f"| {name} | {count} |" for name, count in outcome.restarts.items()]
    return "\n".join(["## Restarts of processes\n", "| process | restarts |", "| --- | --- |", *rows, ""])
