"""`stoa events replay`: events of the past, once more to one consumer group."""

import asyncio
import json
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from stoa_devkit.demo.client import JSON
from stoa_devkit.events.operator import GatewayOption, JsonOption, Operator, as_operator, messaging, service_of
from stoa_devkit.events.showing import read_time

POLL_SECONDS = 0.5
ENDED: Final = ("completed", "cancelled", "failed")
stderr = Console(stderr=True)


def replay(
    group: Annotated[str, typer.Option("--to", "--group", "-g", help="The consumer group that gets the events.")],
    types: Annotated[list[str] | None, typer.Option("--type", help="Only of this event type; repeatable.")] = None,
    key: Annotated[str | None, typer.Option(help="Only of this aggregate: its id.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Only recorded then or later: 2026-01-31T12:00:00Z, or 2h (ago).")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", "--to-time", help="Only recorded before this time.")] = None,
    rate: Annotated[int, typer.Option(min=1, help="Events a second from each publisher, at most.")] = 500,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="First empty the group's tables and inbox; takes no choice of events.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Show how far it is until it has ended.")] = True,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send events of the past once more to one consumer group.

    The group's inbox decides: what was applied is not applied again, and is counted. --rebuild empties the group's
    tables with its inbox first, and fills them anew; until it has ended, the group handles nothing new. --to names the
    group; the end of a span of time is --until. Ctrl-C leaves the replay running. Exit code 1 if it does not complete.
    """
    body = {
        "group": group,
        "types": types or [],
        "key": key,
        "from": read_time(since, option="--from") if since else None,
        "to": read_time(until, option="--until") if until else None,
        "rate": rate,
        "rebuild": rebuild,
    }

    async def work(operator: Operator) -> JSON:
        await operator.group(group)
        asked: JSON = await operator.send("POST", messaging(await operator.keeper_of(group), "replays"), body)
        return await _follow(operator, asked) if wait else asked

    told = as_operator(gateway, work)
    typer.echo(json.dumps(told) if as_json else _sentence(told))
    if wait and told["state"] != "completed":
        raise typer.Exit(1)


async def _follow(operator: Operator, asked: JSON) -> JSON:
    path = messaging(service_of(asked["group"]), f"replays/{asked['id']}")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=stderr, transient=True) as progress:
        task = progress.add_task(_line(asked))
        while (now := await operator.get(path))["state"] not in ENDED:
            progress.update(task, description=_line(now))
            await asyncio.sleep(POLL_SECONDS)
    told: JSON = now
    return told


def _line(replay: JSON) -> str:
    if replay["state"] == "requested":
        return f"waiting for a consumer of {replay['group']}"
    return f"replaying to {replay['group']}: {_counts(replay['counts'])}"


def _counts(counts: JSON) -> str:
    already = counts["duplicate"]
    names = ("sent", "handled", "stale", "parked", "skipped")
    told = [f"{counts[name]} {name}" for name in names]
    return ", ".join([*told[:2], f"{already} already applied", *told[2:]])


def _sentence(replay: JSON) -> str:
    said = f"Replay {replay['id']} to {replay['group']} {_STATES[replay['state']]}"
    reason = f" {replay['reason']}" if replay["reason"] else ""
    return f"{said}: {_counts(replay['counts'])}.{reason}" if replay["state"] != "requested" else f"{said}."


_STATES: Final = {
    "requested": "is requested",
    "running": "runs",
    "completed": "is complete",
    "cancelled": "was cancelled",
    "failed": "failed",
}
