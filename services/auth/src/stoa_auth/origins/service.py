"""Use cases of allowed origins."""

from collections.abc import Sequence

from stoa_auth.audit import service as audit
from stoa_auth.origins import domain
from stoa_auth.origins.models import OrganizationOrigins
from stoa_auth.origins.repository import OriginsRepository
from stoa_auth.origins.schemas import AllowedOrigins
from stoa_common import clock, outbox
from stoa_common.database import Session
from stoa_common.security import Principal


async def get_origins(session: Session, *, caller: Principal) -> AllowedOrigins:
    """What the caller's organization lists. Raises NoOrganization."""
    return AllowedOrigins(origins=await OriginsRepository(session).list_of(caller.organization_id))


async def set_origins(session: Session, origins: Sequence[str], *, caller: Principal) -> AllowedOrigins:
    """Let pages of exactly these origins ask for the data of the caller's organization. Raises NoOrganization."""
    organization_id, at = caller.organization_id, clock.now()
    listed = await OriginsRepository(session).lock(organization_id, at=at)
    before = {"origins": list(listed.origins)}
    changed = domain.change(listed, origins, at=at)
    if changed is not None:
        outbox.add(session, changed)
        audit.note(
            session,
            "organization.allow-origins",
            actor=caller.person_id,
            organization_id=organization_id,
            target=organization_id,
            before=before,
            after={"origins": listed.origins},
        )
    return AllowedOrigins(origins=listed.origins)


async def list_changed(session: Session, *, known: str | None) -> tuple[str, Sequence[OrganizationOrigins] | None]:
    """The version of all lists together, and the lists; None in their place where that version is known."""
    repository = OriginsRepository(session)
    version = await repository.version()
    return version, None if version == known else await repository.list_all()
