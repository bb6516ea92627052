"""`stoa privacy`: its commands."""

import asyncio
import json
import subprocess
from typing import Annotated, Final
from uuid import UUID

import httpx2
import typer
from rich.console import Console

from stoa_devkit import settings
from stoa_devkit.demo.client import Gateway
from stoa_devkit.events.operator import PATIENCE, REFUSED, GatewayOption, JsonOption, Operator, as_operator
from stoa_devkit.mail.reading import kept_mails
from stoa_devkit.privacy import files, objects, redis_keys, tables, topics
from stoa_devkit.privacy.findings import UNSEEN, Findings
from stoa_devkit.privacy.needles import Needles
from stoa_devkit.privacy.platform import Places, find_places
from stoa_devkit.trouble import Trouble

#: As many as anybody keeps.
_ALL: Final = 1_000_000_000
console = Console(highlight=False)
privacy = typer.Typer(help="Show what is left of a person.", no_args_is_help=True, rich_markup_mode=None)


@privacy.callback()
def _group() -> None:
    """Keep `prove` a command of its own, also while it is the only one."""


@privacy.command()
def prove(
    person: Annotated[str, typer.Argument(metavar="ID", help="The person's id.")],
    canary: Annotated[
        list[str] | None, typer.Option("--canary", help="A text that only this person brought in; repeatable.")
    ] = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look everywhere for what can still be read of a person.

    In every table of every service, the warehouse, Redis, Kafka, mail, objects, and logs. The bare id may stay where
    nothing explains it. Exit code 1 if anything can be read, 3 if some place could not be looked into.
    """
    needles = Needles(_id(person), tuple(canary or ()))
    findings = _looked(gateway, needles)
    if as_json:
        typer.echo(json.dumps(findings.told()))
    else:
        _show(findings)
    raise typer.Exit(findings.exit_code)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no person's id.") from None


def _looked(gateway: str | None, needles: Needles) -> Findings:
    try:
        return as_operator(gateway, lambda operator: _look(operator, needles))
    except typer.Exit as ended:
        # Where the operator was refused, nothing was looked for: the code of a finding would tell otherwise.
        raise typer.Exit(UNSEEN if ended.exit_code == REFUSED else ended.exit_code) from None


async def _look(operator: Operator, needles: Needles) -> Findings:
    told, findings = settings.read(), Findings()
    found = find_places(told)
    await tables.look(found.databases, needles, findings)
    await redis_keys.look(found.redis, needles, findings)
    await topics.look(found.kafka, found.topic_prefix, needles, findings)
    await asyncio.to_thread(files.look, found.folder, needles, findings)
    await asyncio.to_thread(objects.look, told, needles, findings)
    await asyncio.to_thread(_look_in_mail, needles, findings)
    await _look_behind_services(operator, found, needles, findings)
    return findings


def _look_in_mail(needles: Needles, findings: Findings) -> None:
    """Mail lies sealed in auth's database, and whoever has the platform's secret reads it."""
    findings.looked_at.append("mail")
    try:
        mails = kept_mails(limit=_ALL, unwritten=True)
    except (Trouble, OSError, subprocess.SubprocessError) as error:
        findings.miss("mail", str(error) if isinstance(error, Trouble) else type(error).__name__)
        return
    for mail in mails:
        for name in needles.found_in([json.dumps(mail, ensure_ascii=False).encode()]):
            findings.add("mail", name)


async def _look_behind_services(operator: Operator, found: Places, needles: Needles, findings: Findings) -> None:
    """The warehouse, and whatever else a service alone can open."""
    findings.looked_at.append("what services hold beside their tables")
    wanted = {"person_id": str(needles.person_id), "texts": list(needles.texts)}
    headers = await operator.authorization()
    for service, url in found.services.items():
        try:
            async with Gateway(url, patience=PATIENCE) as behind:
                told = await behind.call("POST", "/internal/privacy/search", body=wanted, headers=headers)
        except (Trouble, httpx2.HTTPError, ValueError) as error:
            reason = str(error) if isinstance(error, Trouble) else type(error).__name__
            findings.miss(f"{service}: what it holds beside its tables", reason)
            continue
        for each in told["found"]:
            what = "rows about the person" if each["number"] is None else f"canary {each['number'] + 1}"
            findings.add(f"{service}: {each['place']}", what, times=each["rows"])


def _show(findings: Findings) -> None:
    for (place, what), times in sorted(findings.readable.items()):
        console.print(f"[red]readable[/]  {place}: {what}, {times}x", soft_wrap=True)
    for place, reason in sorted(findings.opaque.items()):
        console.print(f"[dim]opaque    {place}: {reason}[/]", soft_wrap=True)
    for sentence in findings.left_out:
        console.print(f"[yellow]not seen[/]  {sentence}", soft_wrap=True)
    console.print(findings.verdict)
