"""`python -m tests.faults --seconds 1800 --seed 1`: the exit code is the verdict, the last lines name each equality."""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

PROBE = Path(__file__).parent / "probe"
sys.path.insert(0, str(PROBE))

from stoa_common import logs  # noqa: E402
from stoa_devkit.settings import read as read_settings  # noqa: E402
from stoa_devkit.trouble import Trouble  # noqa: E402

from .mutants import MUTANTS  # noqa: E402
from .report import write_report  # noqa: E402
from .run import Options, Outcome, against, run  # noqa: E402
from .schedule import FAULTS  # noqa: E402
from .stage import a_stage  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    _refuse_unknown(options.only or ())
    chosen = _chosen(options)
    logs.configure(service="faults", level="error")
    # Brokers are away on purpose.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        if options.mutants:
            return 0 if run_mutants(chosen.seed) else 1
        outcome = run_once(chosen, brokers=options.brokers, keep=options.keep)
    except Trouble as trouble:
        print(f"faults: {trouble}", file=sys.stderr)
        return 2
    if options.report:
        write_report(options.report, outcome, brokers=options.brokers)
    for verdict in outcome.verdicts:
        print(verdict)
    return 0 if outcome.holds else 1


def _chosen(options: argparse.Namespace) -> Options:
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    if options.mutant:
        return against(options.mutant, seed=seed)
    only = None if options.only is None else tuple(options.only)
    return Options(options.seconds, seed, options.rate, only, slack=options.slack, rest_seconds=options.rest_seconds)


def run_once(chosen: Options, *, brokers: int, keep: Path | None = None) -> Outcome:
    """Servers of its own, one run, and all of it thrown away unless a folder is given."""
    print(f"seed {chosen.seed}: {chosen.seconds:.0f} s at {chosen.rate:.0f} events/s, {brokers} broker(s)", flush=True)
    with tempfile.TemporaryDirectory(prefix="stoa-faults-", ignore_cleanup_errors=True) as temporary:
        folder = keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with a_stage(folder, cache=read_settings().cache, brokers=brokers) as stage:
            return asyncio.run(run(stage, chosen, folder, tell=lambda line: print(line, flush=True)))


def run_mutants(seed: int) -> bool:
    """Every mutant in turn on the same servers; whether each was caught by the equality that should name it."""
    caught = []
    with tempfile.TemporaryDirectory(prefix="stoa-faults-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        with a_stage(folder, cache=read_settings().cache) as stage:
            for name, mutant in MUTANTS.items():
                (folder / name).mkdir()
                outcome = asyncio.run(run(stage, against(name, seed=seed), folder / name, tell=lambda _: None))
                caught.append(mutant.caught_by in outcome.broken)
                said = "caught" if caught[-1] else "NOT CAUGHT"
                told = next(verdict for verdict in outcome.verdicts if verdict.name == mutant.caught_by)
                print(
                    f"{name}: {said} by {told.name} (broken: {', '.join(sorted(outcome.broken)) or 'none'})", flush=True
                )
    return all(caught)


def _refuse_unknown(names: Sequence[str]) -> None:
    if unknown := set(names) - FAULTS.keys():
        sys.exit(f"faults: there is no fault {', '.join(sorted(unknown))}; there are {', '.join(sorted(FAULTS))}.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=60, help="how long faults come; the rest afterwards not counted"
    )
    parser.add_argument("--seed", type=int, help="of the schedule; drawn and printed where not given")
    parser.add_argument("--rate", type=float, default=300, help="events a second")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    parser.add_argument("--only", nargs="*", metavar="NAME", help="these faults: " + ", ".join(FAULTS))
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="instead, a short run with this part made wrong")
    parser.add_argument("--mutants", action="store_true", help="instead, all of these in turn: is each caught?")
    parser.add_argument("--slack", type=float, default=1, help="factor on the limits of I9, for a machine that is busy")
    parser.add_argument("--rest-seconds", type=float, default=180, help="how long to wait for rest at the end")
    parser.add_argument("--report", type=Path, metavar="FILE.md", help="write what happened there")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep data and logs there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
