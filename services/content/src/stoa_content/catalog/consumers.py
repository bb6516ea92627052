"""What becomes of organizations: one that is suspended shows nothing to anybody."""

from stoa_common.database import Session
from stoa_common.messaging import EventRouter
from stoa_content.catalog import service
from stoa_events.contracts import OrganizationResumed, OrganizationSuspended

router = EventRouter(
    group="content.catalog",
    rebuild_refused="It tells the world what becomes of catalogs, once: ask for a replay.",
)


@router.on(OrganizationSuspended)
async def suspend(event: OrganizationSuspended, session: Session) -> None:
    await service.suspend(session, event.organization_id, at=event.suspended_at)


@router.on(OrganizationResumed)
async def resume(event: OrganizationResumed, session: Session) -> None:
    await service.resume(session, event.organization_id, at=event.resumed_at)
