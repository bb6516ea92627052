"""`stoa up`: start the platform and stay with it, or leave it running behind."""

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from stoa_devkit import environment, lock, running, settings
from stoa_devkit.board import Board
from stoa_devkit.running import Running
from stoa_devkit.services import Spec
from stoa_devkit.settings import Settings
from stoa_devkit.state import State
from stoa_devkit.tail import Tail

if TYPE_CHECKING:
    from stoa_devkit.platform import Platform

console = Console()


def up(
    context: typer.Context,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Leave it running and return once it answers.")
    ] = False,
    detached: Annotated[bool, typer.Option("--detached", hidden=True)] = False,
) -> None:
    """Start the whole platform.

    PostgreSQL, Valkey, Kafka and all services; what an earlier start left is found again. Ctrl-C stops all of it.
    """
    found = settings.read()
    if detach:
        _leave_running(found)
    else:
        run(found, context.obj, attended=not detached)


def run(found: Settings, table: Sequence[Spec], *, attended: bool) -> None:
    """Run the platform in the foreground until a signal."""
    # Half a second to import, which the other commands need not wait for.
    from stoa_devkit.platform import assemble

    state = State(found.state)
    with lock.held(state):
        (state.folder / lock.SUPERVISOR).unlink(missing_ok=True)
        environment.prepare_operator(found, state)
        asyncio.run(_supervise(assemble(found, table), attended=attended))


async def _supervise(platform: "Platform", *, attended: bool) -> None:
    from stoa_devkit.supervisor import Supervisor

    board, ready = Board(console), asyncio.Event()
    tails = [Tail(service.name, service.log) for service in platform.services]

    def announce(seconds: float) -> None:
        board.close()
        if attended:
            welcome(platform.settings, seconds=seconds)
        ready.set()

    supervisor = Supervisor(platform, board, on_ready=announce)
    following = asyncio.ensure_future(_follow(tails, ready)) if attended else None
    try:
        with board.shown():
            await supervisor.run()
    finally:
        if following is not None:
            following.cancel()


async def _follow(tails: list[Tail], ready: asyncio.Event) -> None:
    await ready.wait()
    width = max((len(tail.part) for tail in tails), default=0)
    while True:
        for tail in tails:
            tail.print(console, width=width)
        await asyncio.sleep(0.2)


def _leave_running(found: Settings) -> None:
    state = State(found.state)
    state.make()
    began, log = time.monotonic(), state.log("supervisor")
    with lock.held(state):
        (state.folder / lock.SUPERVISOR).unlink(missing_ok=True)
    told = Tail("supervisor", log)
    child = running.start(_again_detached(), log=log, env=found.variables)
    with suppress(KeyboardInterrupt):
        if _wait_for(child, state, told):
            welcome(found, seconds=time.monotonic() - began)
            return
    child.stop(seconds=60.0)
    raise typer.Exit(1)


def _again_detached() -> list[str]:
    """The command that was typed, but detached already."""
    flags = {"--detach": "--detached", "-d": "--detached"}
    return [sys.executable, *(flags.get(part, part) for part in sys.orig_argv[1:])]


def _wait_for(child: Running, state: State, told: Tail) -> bool:
    """Show what the detached supervisor says until it is ready or ends; whether it is ready."""
    while child.alive():
        _show(told)
        if state.read(lock.SUPERVISOR).get("ready"):
            return True
        time.sleep(0.1)
    _show(told)
    return False


def _show(told: Tail) -> None:
    for line in told.lines():
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def welcome(found: Settings, *, seconds: float) -> None:
    """The addresses and, the first time, the operator's password."""
    gateway = f"http://127.0.0.1:{found.gateway_port}"
    console.print(f"\n[bold green]Stoa runs[/] after {seconds:.1f} s.\n", highlight=False)
    rows = {"API": gateway, "documentation": f"{gateway}/docs", **_operator(found)}
    for name, value in rows.items():
        console.print(f"  {name:14} [bold]{value}[/]", highlight=False, soft_wrap=True)
    console.print("\n  [dim]stoa demo · stoa status · stoa logs -f · stoa doctor · stoa down[/]\n", highlight=False)


def _operator(found: Settings) -> dict[str, str]:
    password = environment.tell_operator_password(State(found.state))
    if password is None:
        return {}
    email = found.get("AUTH_OPERATOR_EMAIL") or environment.OPERATOR_EMAIL
    return {
        "operator": email,
        "password": f"{password}   [not bold dim](shown this once; change it after logging in)[/]",
    }
