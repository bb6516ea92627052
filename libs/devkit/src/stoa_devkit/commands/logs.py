"""`stoa logs`: what the parts say."""

import time
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console

from stoa_devkit import settings, tail
from stoa_devkit.state import State
from stoa_devkit.tail import Tail
from stoa_devkit.trouble import Trouble

console = Console()
SERVERS = {"postgres", "valkey", "kafka"}
"""Their logs are shown when asked for by name."""


def logs(
    parts: Annotated[
        list[str] | None, typer.Argument(help="Services or servers; all services if none is named.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines are written, until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines of each.")] = 100,
) -> None:
    """Show what the services say.

    The servers' logs are shown when named: postgres, valkey, kafka; the supervisor's, when detached: supervisor.
    """
    state = State(settings.read().state)
    chosen = _chosen(parts or [], state)
    width = max(map(len, chosen))
    tails = [Tail(part, state.log(part), position=tail.last_lines(state.log(part), lines)) for part in chosen]
    with suppress(KeyboardInterrupt):
        _print(tails, width=width)
        while follow:
            time.sleep(0.2)
            _print(tails, width=width)


def _print(tails: list[Tail], *, width: int) -> None:
    for each in tails:
        each.print(console, width=width)


def _chosen(parts: list[str], state: State) -> list[str]:
    there = sorted(path.stem for path in state.logs.glob("*.log"))
    if not there:
        raise Trouble("There are no logs yet: `stoa up` starts the platform.")
    unknown = [part for part in parts if part not in there]
    if unknown:
        raise Trouble(f"There is no log of {', '.join(unknown)}; there are {', '.join(there)}.")
    return parts or [part for part in there if part not in SERVERS]
