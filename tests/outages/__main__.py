"""`python -m tests.outages`: every part killed, paused and restarted under load; the exit code is the verdict."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
sys.path.insert(0, str(ROOT / "services" / "gateway" / "tests"))

from .parts import TARGETS, Fault, Happening, Parts  # noqa: E402
from .report import summary, table, write_report  # noqa: E402
from .run import Outcome, matrix, run  # noqa: E402
from .school import make_school  # noqa: E402
from .stage import a_stage  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    _refuse_unknown(options.only)
    outcome = play(matrix(options.only), seconds=options.seconds)
    print(f"\n{table(outcome)}\n\n{summary(outcome)}")
    if options.report:
        write_report(options.report, outcome)
    return 0 if outcome.holds else 1


def play(faults: Sequence[Fault], *, seconds: float) -> Outcome:
    """On a platform of its own, which is thrown away."""
    print(f"starting a platform; {len(faults)} rounds, none begins after {seconds:.0f} s", flush=True)
    with tempfile.TemporaryDirectory(prefix="stoa-outages-", ignore_cleanup_errors=True) as folder:
        return _played(Path(folder), faults, seconds=seconds)


def _played(folder: Path, faults: Sequence[Fault], *, seconds: float) -> Outcome:
    with a_stage(folder) as stage:
        school, parts = make_school(stage), Parts(stage.state, stage.models)
        return asyncio.run(run(school, parts, faults, seconds=seconds, tell=lambda line: print(line, flush=True)))


def _refuse_unknown(names: Sequence[str]) -> None:
    known = {*TARGETS, *(f"{name}:{kind}" for name in TARGETS for kind in Happening)}
    if unknown := set(names) - known:
        sys.exit(
            f"outages: there is no {', '.join(sorted(unknown))}; say a part ({', '.join(TARGETS)}), or PART:killed."
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.outages", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1200, help="no round begins later than that")
    parser.add_argument("--only", nargs="*", default=[], metavar="PART[:HAPPENING]", help="content, kafka:paused, ...")
    parser.add_argument("--report", type=Path, metavar="FILE.md", help="write the table there, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
