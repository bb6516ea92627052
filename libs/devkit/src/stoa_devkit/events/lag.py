"""`stoa events lag`: how far each consumer group is, and what it could not handle."""

import json
from typing import Annotated

import typer
from rich.console import Console

from stoa_devkit.demo.client import JSON
from stoa_devkit.events.operator import GatewayOption, JsonOption, as_operator
from stoa_devkit.events.showing import age, table, text_of

console = Console()


def lag(
    gateway: GatewayOption = None,
    partitions: Annotated[bool, typer.Option("--partitions", help="A line for each partition, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show how far each consumer group is, and what it could not handle.

    LAG counts the records that the group has not settled yet, OLDEST says how long the first of them waits.
    """
    groups = as_operator(gateway, lambda operator: operator.groups())
    if as_json:
        typer.echo(json.dumps(groups))
        return
    right = ("lag", "oldest", "waiting", "dead", "bad")
    columns = ("group", "door", "lag", "oldest", "waiting", "dead", "bad", "note")
    console.print(table(*columns, right=right, rows=map(_row, groups)))
    if partitions:
        _show_partitions(groups)


def _row(group: JSON) -> list[str]:
    parked = group["parked"]
    counts = [parked["waiting"], parked["dead"], group["bad_events"]]
    return [
        f"[bold]{group['group']}[/]",
        group["door"],
        str(group["lag"]),
        age(group["oldest_at"]),
        *(str(count or "") for count in counts),
        _note(group),
    ]


def _note(group: JSON) -> str:
    notes = [f"replay {group['active_replay']} runs"] if group["active_replay"] else []
    if group["needs_rebuild"]:
        notes.append("needs a rebuild")
    return ", ".join(notes)


def _show_partitions(groups: list[JSON]) -> None:
    rows = [
        [
            group["group"],
            p["topic"],
            *map(text_of, (p["partition"], p["committed"], p["end"], p["lag"])),
            age(p["oldest_at"]),
        ]
        for group in groups
        for p in group["partitions"]
    ]
    right = ("partition", "committed", "end", "lag", "oldest")
    console.print()
    console.print(table("group", "topic", *right, right=right, rows=rows))
