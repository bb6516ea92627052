"""`stoa down` and `stoa reset`."""

import shutil
import signal
from typing import Annotated

import typer
from rich.console import Console

from stoa_devkit import leftovers, lock, settings
from stoa_devkit.state import State
from stoa_devkit.trouble import Trouble

console = Console()
PATIENCE_SECONDS = 90.0


def down() -> None:
    """Stop the platform; its data stay.

    Also what a killed supervisor left.
    """
    state = State(settings.read().state)
    stopped = stop(state)
    console.print("Stoa is stopped; its data stay." if stopped else "Stoa does not run here.")


def reset(yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Delete all data of the platform.

    Stops it first; secrets and logs go too. Downloads are kept.
    """
    state = State(settings.read().state)
    if not state.folder.exists():
        console.print("There is nothing to delete.")
        return
    if not yes:
        typer.confirm(f"Delete every account, course and event in {state.folder}?", abort=True)
    stop(state)
    shutil.rmtree(state.folder)
    console.print("Everything is deleted; `stoa up` begins anew.")


def stop(state: State) -> bool:
    """Stop the supervisor or, where there is none, what it left; whether anything ran."""
    found = lock.supervisor(state)
    if found is not None:
        found.send(signal.SIGTERM)
        if not found.wait(seconds=PATIENCE_SECONDS):
            raise Trouble(f"The supervisor (pid {found.pid}) does not end: look into {state.log('supervisor')}.")
    if not state.folder.exists():
        return False
    with lock.held(state):
        ended = leftovers.end(state.folder)
        for name in state.records():
            state.strike(name)
        (state.folder / lock.SUPERVISOR).unlink(missing_ok=True)
    return found is not None or bool(ended)
