"""`stoa demo`: its options, its exit codes, its two ways of showing the results."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stoa_devkit.demo.address import PlatformIsNotUp, check_address, running_gateway
from stoa_devkit.demo.client import Gateway
from stoa_devkit.demo.course import Material, load
from stoa_devkit.demo.progress import Screen
from stoa_devkit.demo.report import Outcome, show
from stoa_devkit.demo.run import run
from stoa_devkit.trouble import Trouble

DISAGREES = 1
NOT_UP = 2


def demo(
    course: Annotated[Path | None, typer.Option(help="A course: a folder or an archive, Markdown or OLX.")] = None,
    gateway: Annotated[str | None, typer.Option(help="The gateway's URL; the running platform's if not given.")] = None,
    learners: Annotated[int, typer.Option(min=1, max=500, help="How many people study.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object instead of the page.")] = False,
) -> None:
    """Let made-up learners study a course, and compare what they were told with analytics.

    Ends with 0 if analytics agrees, 1 if it does not or something failed, 2 if no platform answers.
    """
    stderr = Console(stderr=True)
    try:
        outcome = asyncio.run(_run(load(course), gateway or running_gateway(), learners, stderr))
    except Trouble as trouble:
        stderr.print(f"stoa: {trouble}", style="red", soft_wrap=True, markup=False)
        raise typer.Exit(NOT_UP if isinstance(trouble, PlatformIsNotUp) else DISAGREES) from None
    _show(outcome, stderr, as_json=as_json)
    if outcome.complaints():
        raise typer.Exit(DISAGREES)


async def _run(material: Material, url: str, learners: int, stderr: Console) -> Outcome:
    await check_address(url)
    async with Gateway(url) as platform:
        with Screen(stderr) as screen:
            return await run(platform, material, learners=learners, screen=screen)


def _show(outcome: Outcome, stderr: Console, *, as_json: bool) -> None:
    if not as_json:
        show(outcome, Console())
        return
    for complaint in outcome.complaints():
        stderr.print(f"stoa: {complaint}", style="red", soft_wrap=True, markup=False)
    typer.echo(json.dumps(outcome.as_json(), ensure_ascii=False))
