"""Who leaves an organization leaves no key behind that would open it again, were they to come back."""

from stoa_auth.api_keys import service
from stoa_common.database import Session
from stoa_common.messaging import EventRouter
from stoa_events.contracts import MemberLeft

router = EventRouter(
    group="auth.api-keys",
    rebuild_refused="It ends the keys of who has left, which are kept nowhere else: ask for a replay.",
)


@router.on(MemberLeft)
async def end_keys(event: MemberLeft, session: Session) -> None:
    await service.end_keys(session, event.organization_id, event.person_id, at=event.left_at)
