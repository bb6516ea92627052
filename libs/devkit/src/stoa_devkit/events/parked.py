"""`stoa events parked`: what a consumer group could not handle, and what to do about it."""

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stoa_devkit.demo.client import JSON
from stoa_devkit.events import editing
from stoa_devkit.events.operator import GatewayOption, JsonOption, Operator, as_operator, messaging, service_of
from stoa_devkit.events.showing import age, table, text_of, until

TRIED_SECONDS = 20.0
POLL_SECONDS = 0.5
console = Console()
app = typer.Typer(help="Events that could not be handled.", no_args_is_help=True, rich_markup_mode=None)
Event = Annotated[str, typer.Argument(metavar="EVENT", help="As `ls` names it, such as ai/17.")]


@app.command()
def ls(
    group: Annotated[str | None, typer.Option("--group", "-g", help="Only of this consumer group.")] = None,
    state: Annotated[str | None, typer.Option(help="Only waiting, dead or discarded ones.")] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Only of this event type.")] = None,
    key: Annotated[str | None, typer.Option(help="Only of this aggregate: its id.")] = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is parked, without its data, in the order in which it was parked.

    BEHIND counts the events of the same key that wait for this one.
    """
    wanted = {"group": group, "state": state, "type": event_type, "key": key}
    items = as_operator(gateway, lambda operator: _list(operator, wanted))
    if as_json:
        typer.echo(json.dumps(items))
        return
    columns = ("event", "group", "state", "type", "key", "tries", "behind", "parked", "next try", "error")
    right = ("tries", "behind", "parked", "next try")
    console.print(table(*columns, right=right, rows=map(_row, items)) if items else "Nothing is parked.")


async def _list(operator: Operator, wanted: dict[str, str | None]) -> list[JSON]:
    group = wanted["group"]
    services = [await operator.keeper_of(group)] if group else await operator.services("parked")
    return [item for name in services async for item in operator.pages(messaging(name, "parked"), **wanted)]


def _row(item: JSON) -> list[str]:
    return [
        f"[bold]{service_of(item['group'])}/{item['position']}[/]",
        item["group"],
        item["state"],
        text_of(item["type"]),
        item["key"],
        str(item["attempts"]),
        str(item["behind"]),
        age(item["parked_at"]),
        until(item["next_try_at"]) if not item["ahead"] else "behind",
        item["error"],
    ]


@app.command()
def show(event: Event, gateway: GatewayOption = None, as_json: JsonOption = False) -> None:
    """Show one parked event with its headers and data. That you saw it is noted in the audit log."""
    service, position = _place(event)
    item = as_operator(gateway, lambda operator: operator.get(messaging(service, f"parked/{position}")))
    if as_json:
        typer.echo(json.dumps(item))
        return
    facts = [(name, text_of(value)) for name, value in item.items() if name not in ("headers", "data", "data_base64")]
    console.print(table("", "", rows=facts))
    console.print(table("header", "value", rows=[(name, text_of(value)) for name, value in item["headers"]]))
    if item["data_base64"] is not None:
        console.print(f"\nNot JSON; as base64: {item['data_base64']}", soft_wrap=True, markup=False)
    else:
        console.print_json(data=item["data"])


@app.command()
def retry(
    events: Annotated[list[str], typer.Argument(metavar="EVENT...", help="As `ls` names them, such as ai/17.")],
    gateway: GatewayOption = None,
    wait: Annotated[bool, typer.Option(help="Wait until it was tried, and tell what came of it.")] = True,
) -> None:
    """Try parked events now; dead ones wait again, with all their tries.

    Exit code 1 if one of them failed again.
    """

    async def work(operator: Operator) -> list[str | None]:
        return [await _retry(operator, event, wait=wait) for event in events]

    failed = [error for error in as_operator(gateway, work) if error is not None]
    if failed:
        raise typer.Exit(1)


async def _retry(operator: Operator, event: str, *, wait: bool) -> str | None:
    """Make it due and tell what comes of it; the error where it failed again."""
    service, position = _place(event)
    item = await operator.send("POST", messaging(service, f"parked/{position}/retry"))
    if item["ahead"]:
        console.print(f"{event} is tried when the {item['ahead']} ahead of it are gone.")
    elif not wait:
        console.print(f"{event} is tried within seconds.")
    else:
        return await _outcome(operator, event, item)
    return None


async def _outcome(operator: Operator, event: str, before: JSON) -> str | None:
    path, deadline = messaging(service_of(before["group"]), "parked"), time.monotonic() + TRIED_SECONDS
    while time.monotonic() < deadline:
        await asyncio.sleep(POLL_SECONDS)
        line = operator.pages(path, group=before["group"], key=before["key"])
        now = [item async for item in line if item["position"] == before["position"]]
        if not now:
            console.print(f"{event} was handled.")
            return None
        if now[0]["attempts"] > before["attempts"]:
            error: str = now[0]["error"]
            console.print(f"{event} failed again: {error}", style="red", soft_wrap=True, markup=False)
            return error
    console.print(f"{event} was not tried within {TRIED_SECONDS:.0f} s: does a consumer of {before['group']} run?")
    return None


@app.command()
def edit(
    event: Event,
    data: Annotated[
        Path | None, typer.Option(help="A file with the new value, JSON or not; - for standard input.", allow_dash=True)
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Set a header; NAME= removes it. Repeatable.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Take it although no handler could read it then.")] = False,
    gateway: GatewayOption = None,
) -> None:
    """Mend a parked event: with --data and --header, or else in $EDITOR. Then `retry` it.

    The event keeps its id, and a handler must be able to read the result, unless forced.
    """
    service, position = _place(event)
    path = messaging(service, f"parked/{position}")

    async def work(operator: Operator) -> JSON | None:
        change = editing.of_options(data, header or [])
        if not change:
            change = editing.by_hand(await operator.get(path))
        return await operator.send("PATCH", path, {**change, "force": force}) if change else None

    changed = as_operator(gateway, work)
    console.print(f"{event} is mended: `stoa events parked retry {event}`." if changed else "Nothing was changed.")


@app.command()
def discard(
    events: Annotated[list[str], typer.Argument(metavar="EVENT...", help="As `ls` names them, such as ai/17.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit log; name no person.")],
    gateway: GatewayOption = None,
) -> None:
    """Give parked events up for good: they stay on record, and those behind them follow."""

    async def work(operator: Operator) -> None:
        for event in events:
            service, position = _place(event)
            path = messaging(service, f"parked/{position}/discard")
            item = await operator.send("POST", path, {"reason": reason})
            console.print(f"{event} is discarded; {item['behind']} behind it follow.")

    as_operator(gateway, work)


def _place(event: str) -> tuple[str, int]:
    found = re.fullmatch(r"([a-z-]+)/([0-9]{1,18})", event)
    if found is None:
        raise typer.BadParameter(f"{event!r} names no parked event; `stoa events parked ls` lists them, such as ai/17.")
    return found[1], int(found[2])
