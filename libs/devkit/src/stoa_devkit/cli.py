"""The command line `stoa`."""

import errno
import importlib.util
import logging
from collections.abc import Sequence

import typer
from rich.console import Console

from stoa_devkit.api.command import api
from stoa_devkit.audit.command import audit
from stoa_devkit.commands.check import check, run_tests
from stoa_devkit.commands.contracts import contracts
from stoa_devkit.commands.doctor import doctor
from stoa_devkit.commands.down import down, reset
from stoa_devkit.commands.logs import logs
from stoa_devkit.commands.status import status
from stoa_devkit.commands.up import up
from stoa_devkit.commands.with_servers import with_servers
from stoa_devkit.events.command import events
from stoa_devkit.gateway.command import gateway
from stoa_devkit.mail.command import mail
from stoa_devkit.privacy.command import privacy
from stoa_devkit.services import SERVICES, Spec
from stoa_devkit.trouble import Trouble

errors = Console(stderr=True)

app = typer.Typer(
    help="Stoa on one machine: the platform, its logs, its demo.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(up)
app.command()(down)
app.command()(status)
app.command()(logs)
app.command()(reset)
app.command()(doctor)
app.command()(check)
app.command("test")(run_tests)
app.add_typer(contracts, name="contracts")
app.add_typer(api, name="api")
app.add_typer(events, name="events")
app.add_typer(mail, name="mail")
app.add_typer(gateway, name="gateway")
app.add_typer(audit, name="audit")
app.add_typer(privacy, name="privacy")
app.command("with-servers", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})(
    with_servers
)

if importlib.util.find_spec("stoa_devkit.demo") is not None:
    from stoa_devkit.demo.command import demo

    app.command()(demo)


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
