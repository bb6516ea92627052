"""`stoa audit`: its commands."""

import typer

from stoa_devkit.audit.exporting import export
from stoa_devkit.audit.verifying import verify

audit = typer.Typer(
    help="Export the audit log, and find what was changed in it.", no_args_is_help=True, rich_markup_mode=None
)
audit.command()(verify)
audit.command()(export)
