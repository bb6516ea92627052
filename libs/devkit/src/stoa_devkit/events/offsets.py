"""`stoa events offsets reset`: where a consumer group goes on reading."""

import asyncio
import time
from typing import Annotated

import typer
from rich.console import Console

from stoa_devkit.demo.client import JSON
from stoa_devkit.events.operator import GatewayOption, Operator, as_operator, messaging
from stoa_devkit.events.showing import read_time, table, text_of
from stoa_devkit.trouble import Trouble

APPLIED_SECONDS = 60.0
POLL_SECONDS = 0.5
console = Console()
app = typer.Typer(help="Where consumer groups read.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def offsets() -> None:
    """Move where a consumer group reads."""


@app.command("reset")
def reset(
    group: Annotated[str, typer.Option("--group", "-g", help="The consumer group, such as ai.passages.")],
    to: Annotated[str, typer.Option("--to", help="earliest, latest, or a time: 2026-01-31T12:00:00Z, 2h (ago).")],
    topic: Annotated[str | None, typer.Option(help="One topic; all that the group reads if not given.")] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="One partition; all if not given.")] = None,
    gateway: GatewayOption = None,
) -> None:
    """Move where a consumer group goes on reading its topics.

    Its inbox still knows what was handled: reading again applies nothing twice. The running consumers do it, within
    seconds.
    """
    place = to if to in ("earliest", "latest") else read_time(to, option="--to")

    async def work(operator: Operator) -> list[JSON]:
        topics = [topic] if topic else (await operator.group(group))["topics"]
        return [await _reset(operator, group, name, partition, place) for name in topics]

    resets = as_operator(gateway, work)
    rows = [[r["topic"], *map(text_of, (a["partition"], a["offset"]))] for r in resets for a in r["applied"]]
    console.print(table("topic", "partition", "reads on from", right=("partition", "reads on from"), rows=rows))
    console.print(f"{group} reads on from {to}.")


async def _reset(operator: Operator, group: str, topic: str, partition: int | None, to: str) -> JSON:
    path = messaging(await operator.keeper_of(group), "offset-resets")
    asked = await operator.send("POST", path, {"group": group, "topic": topic, "partition": partition, "to": to})
    deadline = time.monotonic() + APPLIED_SECONDS
    while (found := await operator.get(f"{path}/{asked['id']}"))["state"] == "requested":
        if time.monotonic() > deadline:
            raise Trouble(
                f"No consumer of {group} has moved {topic} within {APPLIED_SECONDS:.0f} s; it will when it runs again."
            )
        await asyncio.sleep(POLL_SECONDS)
    applied: JSON = found
    return applied
