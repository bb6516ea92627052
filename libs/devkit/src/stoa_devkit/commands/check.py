"""`stoa check` and `stoa test`: what every change must pass."""

import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stoa_devkit import settings
from stoa_devkit.checks import static, suites
from stoa_devkit.checks.suites import Outcome, Suite
from stoa_devkit.servers.testing import servers_for_tests
from stoa_devkit.settings import Settings
from stoa_devkit.trouble import Trouble

console = Console()
#: On two cores: many tests wait for a broker, a process or a time-out more than they compute.
SUITES_AT_ONCE = 3
LAST_AT_ONCE = 2
CHECKS = "check"


def check() -> None:
    """Check format, lint, types, import rules and contracts."""
    if static.run(settings.read().root):
        raise typer.Exit(1)


def run_tests(
    arguments: Annotated[list[str] | None, typer.Argument(help="More arguments for pytest, after `--`.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="One suite, or `check`; may be given again.")] = None,
) -> None:
    """Check everything, and run all tests beside it.

    The tests of each service run where only its own dependencies are installed; all against one set of servers,
    embedded ones or, with STOA_TEST_ENGINE=docker, containers.
    """
    found, began = settings.read(), time.monotonic()
    chosen = _chosen(found.root, only or [])
    with ThreadPoolExecutor(1) as beside:
        checking = beside.submit(static.run, found.root) if not only or CHECKS in only else None
        outcomes = _run_all(chosen, found, arguments or []) if chosen else []
        failed = checking.result() if checking else []
    _sum_up(outcomes, failed, seconds=time.monotonic() - began)
    raise typer.Exit(1 if failed or not all(outcome.is_fine for outcome in outcomes) else 0)


def _chosen(root: Path, only: Sequence[str]) -> list[Suite]:
    found = suites.find(root)
    unknown = set(only) - {suite.name for suite in found} - {CHECKS}
    if unknown:
        names = ", ".join([CHECKS, *(suite.name for suite in found)])
        raise Trouble(f"There is no suite {', '.join(sorted(unknown))}; there are {names}.")
    return [suite for suite in found if not only or suite.name in only]


def _run_all(chosen: Sequence[Suite], found: Settings, arguments: Sequence[str]) -> list[Outcome]:
    """Some side by side, and after them, fewer at a time, those that need a quiet machine."""
    first = [suite for suite in chosen if not suite.is_last]
    last = [suite for suite in chosen if suite.is_last]
    with tempfile.TemporaryDirectory(prefix="stoa-test-") as temporary:
        folder = Path(temporary)
        with servers_for_tests(found, folder / "servers") as addresses:
            variables = {**found.variables, **addresses}

            def run(suite: Suite) -> Outcome:
                return suites.run(suite, found.root, variables, arguments=arguments, folder=folder)

            return [*_side_by_side(run, first, SUITES_AT_ONCE), *_side_by_side(run, last, LAST_AT_ONCE)]


def _side_by_side(run: Callable[[Suite], Outcome], chosen: Sequence[Suite], at_once: int) -> list[Outcome]:
    with ThreadPoolExecutor(at_once) as pool:
        return [_tell(each.result()) for each in as_completed([pool.submit(run, suite) for suite in chosen])]


def _tell(outcome: Outcome) -> Outcome:
    console.rule(f"{outcome.suite.name} ({outcome.seconds:.0f} s)", align="left")
    console.print(outcome.output.rstrip(), markup=False, highlight=False, soft_wrap=True)
    return outcome


def _sum_up(outcomes: Iterable[Outcome], checks_failed: Sequence[str], *, seconds: float) -> None:
    """The last line, in pytest's own form, is the sum of all suites; a check that failed counts as an error."""
    ran = list(outcomes)
    bad = [outcome.suite.name for outcome in ran if not outcome.is_fine]
    if bad or checks_failed:
        console.print(f"failed: {', '.join([*checks_failed, *bad])}", style="red", highlight=False)
    counts = {
        "failed": sum(outcome.failed for outcome in ran),
        "passed": sum(outcome.passed for outcome in ran),
        "skipped": sum(outcome.skipped for outcome in ran),
        "errors": sum(outcome.errors for outcome in ran) + len(checks_failed),
    }
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "no tests ran"
    typer.echo(f" {told} in {seconds:.2f}s ".center(80, "="))
