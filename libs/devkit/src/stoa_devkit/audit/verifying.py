"""`stoa audit verify`: recompute audit logs, at the platform or from an export."""

import json
from pathlib import Path
from typing import Annotated

import typer

from stoa_common import hash_chain
from stoa_common.hash_chain import BrokenChain
from stoa_devkit.audit.logs import ALTERED, AUDIT, PLATFORM, OrganizationOption, head_bytes, organization_id
from stoa_devkit.demo.client import JSON
from stoa_devkit.events.operator import GatewayOption, JsonOption, Operator, as_operator


def verify(
    file: Annotated[
        Path | None,
        typer.Argument(help="An export; the platform's own data if not given.", exists=True, dir_okay=False),
    ] = None,
    organization: OrganizationOption = None,
    head: Annotated[
        str | None, typer.Option("--head", help="A head that was noted before; takes --organization, or a file.")
    ] = None,
    gateway: GatewayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute the chains of the audit log, and name the first bad record of each.

    Found are an altered byte, and a record that was removed, inserted or moved. What was cut off at the end, and a log
    that was rewritten as a whole, shows only to who gives a head that was noted before. Exit code 1 if a log does not
    hold.
    """
    noted = head_bytes(head)
    if file is not None:
        found = [_verified_file(file, noted)]
    elif organization is not None:
        wanted = organization_id(organization)
        found = [as_operator(gateway, lambda operator: _verified(operator, wanted, head))]
    elif head is not None:
        raise typer.BadParameter(f"A head is of one log: name it with --organization ID, or `{PLATFORM}`.")
    else:
        found = as_operator(gateway, _verified_all)
    _show(found, as_json=as_json)


def _verified_file(file: Path, noted: bytes | None) -> JSON:
    chain = hash_chain.Chain(noted)
    broken = None
    try:
        with file.open("rb") as lines:
            hash_chain.verify_export(lines, chain)
    except BrokenChain as found:
        broken = {"number": found.number, "problem": found.problem}
    return {"log": chain.name or str(file), "records": chain.number, "head": chain.head.hex(), "broken": broken}


async def _verified(operator: Operator, wanted: str | None, head: str | None = None) -> JSON:
    told: JSON = await operator.get(f"{AUDIT}/verification", organization_id=wanted, head=head)
    shown: JSON = {name: told[name] for name in ("records", "head", "broken")}
    return {"log": told["organization_id"] or PLATFORM, **shown}


async def _verified_all(operator: Operator) -> list[JSON]:
    """The caller's own log; and every organization's, where that is the platform's."""
    found = [await _verified(operator, None)]
    if found[0]["log"] == PLATFORM:
        async for organization in operator.pages("/api/v1/auth/organizations", limit=200):
            found.append(await _verified(operator, organization["id"]))  # noqa: PERF401 - one after the other
    return found


def _show(found: list[JSON], *, as_json: bool) -> None:
    holds = all(each["broken"] is None for each in found)
    if as_json:
        typer.echo(json.dumps({"holds": holds, "logs": found}))
    else:
        typer.echo("\n".join(map(_sentence, found)))
    if not holds:
        raise typer.Exit(ALTERED)


def _sentence(log: JSON) -> str:
    if (broken := log["broken"]) is not None:
        return f"{log['log']}: BROKEN at record {broken['number']}: {broken['problem']}"
    return f"{log['log']}: {log['records']} records hold; head {log['head']}"
