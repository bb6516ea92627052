"""`stoa status`: what runs, where, since when."""

import json
import time
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stoa_devkit import leftovers, lock, settings
from stoa_devkit.running import adopt
from stoa_devkit.state import State

console = Console()
COLORS = {"ready": "green", "starting": "yellow", "waiting": "yellow", "restarting": "red", "ended": "red"}


def status(as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False) -> None:
    """Show what runs, where, since when.

    Exit code 0 when all parts are ready, 1 otherwise.
    """
    told = facts(State(settings.read().state))
    if as_json:
        typer.echo(json.dumps(told))
    else:
        _show(told)
    raise typer.Exit(0 if told["ready"] else 1)


def facts(state: State) -> dict[str, Any]:
    """`{running, ready, gateway, kafka, topic_prefix, supervisor, parts: [...], left: [...]}`, true at this moment."""
    supervisor = lock.supervisor(state)
    told = state.read(lock.SUPERVISOR) if supervisor is not None else {}
    parts = [_part(part) for part in told.get("parts", [])]
    return {
        "running": supervisor is not None,
        "ready": bool(told.get("ready")) and all(part["condition"] == "ready" for part in parts),
        "gateway": told.get("gateway"),
        "kafka": told.get("kafka"),
        "topic_prefix": told.get("topic_prefix"),
        "supervisor": {"pid": supervisor.pid, "started": supervisor.started} if supervisor else None,
        "state": str(state.folder),
        "parts": parts,
        "left": leftovers.find(state.folder) if supervisor is None else [],
    }


def _part(told: dict[str, Any]) -> dict[str, Any]:
    runs = told["pid"] is not None and adopt(told["pid"], started=told["started"]) is not None
    condition = told["condition"] if runs or told["condition"] == "waiting" else "ended"
    memory = psutil.Process(told["pid"]).memory_info().rss if runs else None
    return {**told, "condition": condition, "memory_bytes": memory}


def _show(told: dict[str, Any]) -> None:
    if not told["running"]:
        console.print("Stoa does not run here; `stoa up` starts it.")
        if told["left"]:
            left = ", ".join(told["left"])
            console.print(
                f"A killed supervisor left {left}: `stoa up` takes over, `stoa down` ends them.", soft_wrap=True
            )
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("part", "state", "address", "pid", "up", "memory", "restarts"):
        table.add_column(name, justify="right" if name in ("pid", "up", "memory", "restarts") else "left")
    for part in told["parts"]:
        table.add_row(*_row(part))
    console.print(table)
    console.print(
        f"\nThe platform answers at [bold]{told['gateway']}[/]." if told["ready"] else "\nNot all parts are ready."
    )
    if told["kafka"]:
        console.print(f"Subscribers to its events need {_for_subscribers(told)}", soft_wrap=True)


def _for_subscribers(told: dict[str, Any]) -> str:
    """Variables as a shell takes them."""
    variables = {"KAFKA_BOOTSTRAP_SERVERS": told["kafka"], "KAFKA_TOPIC_PREFIX": told["topic_prefix"]}
    return escape(" ".join(f"{name}={value}" for name, value in variables.items() if value))


def _row(part: dict[str, Any]) -> list[str]:
    condition = part["condition"]
    runs = part["memory_bytes"] is not None
    return [
        f"[bold]{part['name']}[/]",
        f"[{COLORS.get(condition, 'white')}]{condition}[/]",
        # Which protocol a server speaks is no news; the host and port are.
        part["address"] if part["address"].startswith("http") else part["address"].rpartition("://")[2],
        str(part["pid"] or ""),
        _span(time.time() - part["started"]) if runs else "",
        f"{part['memory_bytes'] / 2**20:.0f} MB" if runs else "",
        str(part["restarts"]),
    ]


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
