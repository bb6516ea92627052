"""Who asked to be forgotten, and which service has done it."""

from stoa_auth.erasures import service
from stoa_common.database import Session
from stoa_common.messaging import EventRouter
from stoa_events.contracts import UserErased
from stoa_events.contracts.operations import SERVICES, PrivacyCompleted, operations_of

router = EventRouter(group="auth.erasures")


@router.on(UserErased)
async def note_request(event: UserErased, session: Session) -> None:
    await service.note_request(session, event.person_id, at=event.erased_at)


async def note_completion(event: PrivacyCompleted, session: Session) -> None:
    await service.note_completion(
        session,
        event.person_digest,
        service=event.source().removeprefix("/"),
        requested_at=event.requested_at,
        at=event.completed_at,
    )


for _service in SERVICES:
    router.on(operations_of(_service).privacy_completed)(note_completion)
