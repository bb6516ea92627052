"""`stoa events`: its commands."""

import typer

from stoa_devkit.events import offsets, parked
from stoa_devkit.events.lag import lag
from stoa_devkit.events.replays import replay
from stoa_devkit.events.tail import tail

events = typer.Typer(
    help="See what happens to events, and mend it. For operators.", no_args_is_help=True, rich_markup_mode=None
)
events.command()(lag)
events.command()(tail)
events.command()(replay)
events.add_typer(parked.app, name="parked")
events.add_typer(offsets.app, name="offsets")
