"""Which audit log a command means: an organization's, or the platform's own."""

import re
from typing import Annotated, Final
from uuid import UUID

import typer

AUDIT: Final = "/api/v1/auth/audit"
PLATFORM: Final = "platform"
ALTERED: Final = 1
OrganizationOption = Annotated[
    str | None, typer.Option("--organization", help=f"An organization's log, by its id; `{PLATFORM}` for its own.")
]


def organization_id(text: str | None) -> str | None:
    """The id as the API takes it; None for the caller's own log, which is the platform's for an operator."""
    if text in {None, PLATFORM}:
        return None
    try:
        return str(UUID(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no organization's id, nor `{PLATFORM}`.") from None


def head_bytes(text: str | None) -> bytes | None:
    """A noted head; raises BadParameter."""
    if text is None:
        return None
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise typer.BadParameter("A head is 64 hexadecimal digits, as `stoa audit verify` shows it.")
    return bytes.fromhex(text)
