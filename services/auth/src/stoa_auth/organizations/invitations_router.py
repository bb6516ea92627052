"""Invitations over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, status

from stoa_auth.mail.service import MailSealer
from stoa_auth.organizations import invitations, service
from stoa_auth.organizations.schemas import (
    AcceptanceIn,
    InvitationIn,
    InvitationOut,
    OpenInvitationOut,
    OrganizationOut,
)
from stoa_auth.settings import Settings
from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import Page, PageQuery
from stoa_common.resources import resource
from stoa_common.security import Caller

SettingsDep = Annotated[Settings, resource(Settings)]
SealerDep = Annotated[MailSealer, resource(MailSealer)]
Languages = Annotated[str | None, Header(alias="Accept-Language", description="The language of the mail: en or ru.")]
router = Router(prefix="/api/v1/auth", tags=["invitations"])


@router.post(
    "/organizations/{organization_id}/invitations",
    status_code=status.HTTP_201_CREATED,
    response_model=InvitationOut,
    **require("member:write", keeps_answer=False),
)
async def invite(
    organization_id: UUID,
    wanted: InvitationIn,
    session: SessionDep,
    caller: Caller,
    settings: SettingsDep,
    sealer: SealerDep,
    accept_language: Languages = None,
) -> InvitationOut:
    """Make an invitation that lets people join with the given roles; its token is shown this once.

    With an `email` the token is mailed there, shown to nobody else, and good for that address alone. Needs a verified
    e-mail address of one's own. Nobody invites to roles that allow more than their own.
    """
    return await invitations.invite(
        session,
        organization_id,
        wanted,
        caller=caller,
        needs_verified_email=settings.inviting_needs_verified_email,
        sealer=sealer,
        accepted_languages=accept_language,
    )


@router.get(
    "/organizations/{organization_id}/invitations",
    response_model=Page[OpenInvitationOut],
    **require("member:write"),
)
async def list_invitations(
    organization_id: UUID, session: SessionDep, caller: Caller, window: PageQuery
) -> Page[OpenInvitationOut]:
    """Invitations that still admit somebody, the oldest first; without their tokens."""
    return await invitations.list_invitations(session, organization_id, window, caller=caller)


@router.delete(
    "/organizations/{organization_id}/invitations/{invitation_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    **require("member:write"),
)
async def revoke_invitation(organization_id: UUID, invitation_id: UUID, session: SessionDep, caller: Caller) -> None:
    """Let nobody join by the invitation any more; who has joined by it stays."""
    await invitations.revoke_invitation(session, organization_id, invitation_id, caller=caller)


@router.post("/invitations/accept", response_model=OrganizationOut, **require("account:write"))
async def accept_invitation(wanted: AcceptanceIn, session: SessionDep, caller: Caller) -> OrganizationOut:
    """Join an organization with the account that one has; `POST .../sessions/switch` then acts for it.

    An invitation that was mailed is for the account of that address, which must be verified.
    """
    return await service.accept_invitation(session, wanted.invitation, caller=caller)
