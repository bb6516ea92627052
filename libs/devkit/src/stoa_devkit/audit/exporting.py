"""`stoa audit export`: an audit log with its hashes, into a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import httpx2
import typer

from stoa_common import hash_chain
from stoa_common.hash_chain import BrokenChain
from stoa_devkit.audit.logs import ALTERED, AUDIT, OrganizationOption, organization_id
from stoa_devkit.demo.retries import PartIsDown
from stoa_devkit.events.operator import GatewayOption, Operator, as_operator, say
from stoa_devkit.trouble import Trouble


def export(
    file: Annotated[Path, typer.Argument(help="Where to write it, a JSON document a line.", dir_okay=False)],
    organization: OrganizationOption = None,
    gateway: GatewayOption = None,
) -> None:
    """Write an audit log into a file, and verify what was written.

    Without --organization it is the platform's own log. Personal parts are in it as ciphertext. Note the head that is
    shown elsewhere: with it, `stoa audit verify --head` finds what is cut off or rewritten later. Exit code 1 if the
    log does not hold; the file is written all the same.
    """
    wanted = organization_id(organization)
    # Half a download never takes the place of a file that was whole.
    draft = file.with_name(f".{file.name}.part")
    try:
        with draft.open("wb") as lines:
            as_operator(gateway, lambda operator: _download(operator, wanted, lines.write))
        draft.replace(file)
    except FileNotFoundError:
        raise typer.BadParameter(f"There is no folder {file.parent}.") from None
    finally:
        draft.unlink(missing_ok=True)
    _verify(file)


async def _download(operator: Operator, wanted: str | None, write: Callable[[bytes], object]) -> None:
    try:
        async for piece in operator.download(f"{AUDIT}/export", organization_id=wanted):
            write(piece)
    except (httpx2.TransportError, PartIsDown) as error:
        raise Trouble(f"The export broke off ({type(error).__name__}). Take it again.") from None


def _verify(file: Path) -> None:
    try:
        with file.open("rb") as lines:
            chain = hash_chain.verify_export(lines)
    except BrokenChain as broken:
        say(f"The log was written to {file}, but it does not hold: {broken}")
        raise typer.Exit(ALTERED) from None
    typer.echo(f"{chain.name}: {chain.number} records hold; head {chain.head.hex()}")
