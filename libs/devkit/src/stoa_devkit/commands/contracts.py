"""`stoa contracts`: what other teams build on, rendered, checked and released."""

from pathlib import Path

import typer
from rich.console import Console

from stoa_devkit import settings

console = Console(soft_wrap=True, highlight=False)
contracts = typer.Typer(
    help="Render, check and release the contracts of events.", no_args_is_help=True, rich_markup_mode=None
)


# Each imports what it needs when it runs: these libraries would slow the start of every other command.


@contracts.command()
def render() -> None:
    """Write docs/events anew: schemas, AsyncAPI, a page per event and the index."""
    from stoa_devkit.contracts import rendering
    from stoa_events.contracts import REGISTRY

    changed = rendering.write(REGISTRY, _folder())
    console.print(f"{len(changed)} files changed, for {len(REGISTRY)} contracts.")


@contracts.command()
def check() -> None:
    """Refuse changes that break a reader, and files that are stale.

    Compares each contract with all its releases in three ways: a diff, made-up events in both directions, and released
    examples read by today's models. One line a problem, exit code 1 if there is any.
    """
    from stoa_devkit.contracts import checking, rendering
    from stoa_events.contracts import REGISTRY

    folder = _folder()
    found = checking.check(REGISTRY, folder / "released") or list(rendering.problems(REGISTRY, folder))
    for problem in found:
        console.print(str(problem), markup=False)
    if found:
        raise typer.Exit(1)
    console.print(f"{len(REGISTRY)} contracts: no reader breaks.")


@contracts.command()
def release() -> None:
    """Freeze what is not yet released under docs/events/released. Refused while `check` finds anything."""
    from stoa_devkit.contracts import checking
    from stoa_events.contracts import REGISTRY

    check()
    folder = _folder()
    for path in checking.release(REGISTRY, folder / "released"):
        console.print(path.relative_to(folder).as_posix(), markup=False)


def _folder() -> Path:
    return settings.read().root / "docs" / "events"
