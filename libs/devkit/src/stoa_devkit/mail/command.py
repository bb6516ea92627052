"""`stoa mail`: what would have been sent, had this platform a mail server."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stoa_devkit.mail.reading import kept_mails
from stoa_devkit.trouble import Trouble

console = Console()
mail = typer.Typer(help="Read the mail that is kept where there is no mail server.", rich_markup_mode=None)
ToOption = Annotated[str | None, typer.Option("--to", help="Only mail to this address.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]


@mail.callback(invoke_without_command=True)
def listing(
    context: typer.Context,
    to: ToOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="At most so many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the newest mails; `stoa mail show` opens one."""
    if context.invoked_subcommand is not None:
        return
    mails = kept_mails(to=to, limit=limit)
    if as_json:
        typer.echo(json.dumps(mails, ensure_ascii=False))
    else:
        console.print(_table(mails) if mails else "No mail.")


@mail.command()
def show(
    mail_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="As `stoa mail` lists it; else the newest.")
    ] = None,
    to: ToOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the newest mail, or the one with this id. Its code stands alone on a line."""
    chosen = _choose(kept_mails(to=to, limit=1000), mail_id)
    if as_json:
        typer.echo(json.dumps(chosen, ensure_ascii=False))
        return
    for name in ("to", "subject", "created_at"):
        console.print(f"[dim]{name.replace('_at', '')}:[/] {escape(chosen[name])}", soft_wrap=True)
    console.print(f"\n{chosen['text']}", soft_wrap=True, markup=False, highlight=False)


def _choose(mails: list[dict[str, Any]], mail_id: str | None) -> dict[str, Any]:
    """Mail that can be read: what was sent is forgotten, and what was just asked for is not written yet."""
    readable = [each for each in mails if each["text"] is not None and mail_id in (None, each["id"])]
    if not readable:
        raise Trouble("There is no such mail here. It is kept only where AUTH_SMTP_URL is not set; see `stoa mail`.")
    return readable[0]


def _table(mails: list[dict[str, Any]]) -> Table:
    made = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("asked for", "state", "to", "subject", "id"):
        made.add_column(name, overflow="fold")
    for each in mails:
        shown = (each["created_at"][:19], each["state"], each["to"] or "", each["subject"] or "", each["id"])
        made.add_row(*map(escape, shown))
    return made
