"""The command line `stoa`."""

import errno
import importlib
import importlib.util
import logging
from collections.abc import Callable, Sequence
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup
from typer.main import get_command, get_group

from stoa_devkit.services import SERVICES, Spec
from stoa_devkit.trouble import Trouble

errors = Console(stderr=True)

#: Where each command lives: its libraries take longer to import than most commands to run, so only its own are.
HOMES = {
    "up": "commands.up:up",
    "down": "commands.down:down",
    "status": "commands.status:status",
    "logs": "commands.logs:logs",
    "reset": "commands.down:reset",
    "doctor": "commands.doctor:doctor",
    "check": "commands.check:check",
    "test": "commands.check:run_tests",
    "with-servers": "commands.with_servers:with_servers",
    **({"demo": "demo.command:demo"} if importlib.util.find_spec("stoa_devkit.demo") is not None else {}),
    "contracts": "commands.contracts:contracts",
    "api": "api.command:api",
    "events": "events.command:events",
    "mail": "mail.command:mail",
    "gateway": "gateway.command:gateway",
    "audit": "audit.command:audit",
    "privacy": "privacy.command:privacy",
}
#: What follows belongs to the program that it runs.
PASSES_ON = {"with-servers": {"ignore_unknown_options": True, "allow_interspersed_args": False}}


class Commands(TyperGroup):
    """All commands of `stoa`, each imported when somebody names it."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # Of them only the names are read, to say which one may have been meant.
        self.commands: dict[str, Any] = dict.fromkeys(HOMES)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # Typer's
        """In the order of the help."""
        return list(HOMES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  # Typer's
        """The command; None where there is none of this name."""
        if cmd_name not in HOMES:
            return None
        module, _, name = HOMES[cmd_name].partition(":")
        found = getattr(importlib.import_module(f"stoa_devkit.{module}"), name)
        made = get_group(found) if isinstance(found, typer.Typer) else _alone(found, cmd_name)
        made.name = cmd_name
        return made


def _alone(found: Callable[..., None], name: str) -> Any:
    holder = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    holder.command(name, context_settings=PASSES_ON.get(name))(found)
    return get_command(holder)


app = typer.Typer(
    cls=Commands,
    help="Stoa on one machine: the platform, its logs, its demo.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _all() -> None:
    """Typer makes a group only of what has a callback."""


def main(table: Sequence[Spec] = SERVICES) -> None:
    """Run `stoa`. What goes wrong on this machine is told in one sentence, with exit code 1."""
    # Libraries log what they are about to raise; the person gets it once, as our sentence.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        app(obj=table)
    except Trouble as trouble:
        _refuse(str(trouble))
    except OSError as failure:
        if failure.errno != errno.ENOSPC:
            raise
        _refuse(f"The disk is full: no space is left for {failure.filename or 'the data of Stoa'}.")


def _refuse(sentence: str) -> None:
    errors.print(f"stoa: {sentence}", style="red", soft_wrap=True, markup=False, highlight=False)
    raise SystemExit(1)
