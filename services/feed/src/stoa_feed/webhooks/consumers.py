"""What becomes of organizations, as far as their webhooks are concerned."""

from stoa_common.database import Session
from stoa_common.messaging import EventRouter
from stoa_events.contracts import OrganizationResumed, OrganizationSuspended
from stoa_feed.webhooks import service

router = EventRouter(
    group="feed.webhooks",
    rebuild_refused="It keeps on each webhook when its organization was suspended and resumed: ask for a replay.",
)


@router.on(OrganizationSuspended)
async def suspend(event: OrganizationSuspended, session: Session) -> None:
    await service.suspend(session, event.organization_id, at=event.suspended_at)


@router.on(OrganizationResumed)
async def resume(event: OrganizationResumed, session: Session) -> None:
    await service.resume(session, event.organization_id, at=event.resumed_at)
