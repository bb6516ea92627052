"""`stoa gateway`: what the gateway asks of each route."""

import subprocess
import sys
from typing import Annotated

import typer

from stoa_devkit import settings
from stoa_devkit.ports import HOST
from stoa_devkit.services import SERVICES
from stoa_devkit.settings import Settings
from stoa_devkit.state import State
from stoa_devkit.trouble import Trouble

SECONDS = 60.0
gateway = typer.Typer(help="Look at the gateway's routes.", no_args_is_help=True, rich_markup_mode=None)


@gateway.callback()
def about() -> None:
    """Look at the gateway's routes."""


@gateway.command()
def routes(
    path: Annotated[str, typer.Argument(help="Only routes whose path contains this.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for programs.")] = False,
) -> None:
    """Print each route: its service, who may call it, its limits, time-outs, body and cache."""
    found = settings.read()
    command = [sys.executable, "-m", "stoa_gateway.proxy", path, *(["--json"] if as_json else [])]
    ran = subprocess.run(  # noqa: S603 - our own program
        command, env=_variables(found), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if ran.returncode != 0:
        raise Trouble(ran.stderr.strip() or "The routes could not be read, and nothing said why.")
    typer.echo(ran.stderr, err=True, nl=False)
    typer.echo(ran.stdout, nl=not ran.stdout.endswith("\n"))


def _variables(found: Settings) -> dict[str, str]:
    """Our own environment, and where the services of this checkout's platform are."""
    state = State(found.state)
    ports = state.read("ports.json")
    here = {f"{spec.name.upper()}_URL": f"http://{HOST}:{ports[spec.name]}" for spec in SERVICES if spec.name in ports}
    return {**found.variables, **here}
