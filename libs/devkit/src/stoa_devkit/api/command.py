"""`stoa api`: its commands."""

import json
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console

from stoa_devkit import settings
from stoa_devkit.api import releases
from stoa_devkit.demo.address import running_gateway
from stoa_devkit.trouble import Trouble

console = Console(soft_wrap=True, highlight=False)
api = typer.Typer(
    help="Hold the HTTP API to what was released to clients.", no_args_is_help=True, rich_markup_mode=None
)
Gateway = Annotated[str | None, typer.Option("--gateway", help="Its address; by default the one that runs here.")]


@api.command()
def check(gateway: Gateway = None) -> None:
    """Refuse changes that break a client of a released API.

    Compares the document of a running gateway with all of docs/api/released: what is gone, what is required now, types
    and values that are narrower in requests or other in answers. One line a problem, exit code 1 if there is any.
    """
    found = list(releases.check(_document(gateway), _folder()))
    for version, problem in found:
        console.print(f"{problem} [since {version}]", markup=False)
    if found:
        raise typer.Exit(1)
    console.print(f"{len(releases.load(_folder()))} releases: no client breaks.")


@api.command()
def release(gateway: Gateway = None) -> None:
    """Freeze the API of a running gateway under docs/api/released. Refused while `check` finds anything."""
    check(gateway)
    path = releases.write(_document(gateway), _folder())
    console.print("Nothing has changed." if path is None else path.name, markup=False)


def _document(gateway: str | None) -> dict[str, Any]:
    url = (gateway or running_gateway()).rstrip("/")
    try:
        answer = httpx2.get(f"{url}/openapi.json", timeout=30).raise_for_status()
        document: dict[str, Any] = answer.json()
    except (httpx2.HTTPError, httpx2.InvalidURL, json.JSONDecodeError) as error:
        raise Trouble(f"No gateway shows its API at {url} ({error}).") from None
    return document


def _folder() -> Path:
    return settings.read().root / "docs" / "api" / "released"
