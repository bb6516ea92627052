"""What operators do to a service is recorded, in the transaction that does it; and what they do in a person's place."""

from collections.abc import Mapping
from typing import Final

from fastapi import Request

from stoa_common import clock, context, outbox
from stoa_common.database import Session, SessionDep
from stoa_common.ids import new_id
from stoa_common.security import Caller, Principal
from stoa_events.contracts.operations import operations_of
from stoa_events.personal import Personal

#: What somebody else's hand did in a person's place.
IN_PLACE_OF: Final = "impersonation.act"


def record(
    session: Session, service: str, caller: Principal, *, action: str, target: str, details: Mapping[str, str]
) -> None:
    """Record that the caller did this; `action` is `noun.verb`, and nothing that is given here may be personal.

    Where the request came from is recorded with it, sealed with the key of who did it. Where an operator acts in the
    caller's place, the operator did it, on behalf of the caller.
    """
    contract, request = operations_of(service).audit_recorded, context.current()
    event = contract(
        audit_id=new_id(),
        person_id=caller.impersonator_id or caller.person_id,
        on_behalf_of=caller.person_id if caller.impersonator_id else None,
        action=action,
        target=target,
        details=dict(details),
        recorded_at=clock.now(),
        address=Personal(request.address),
        user_agent=Personal(request.user_agent),
    )
    outbox.add(session, event)


async def record_impersonated(request: Request, session: SessionDep, caller: Caller) -> None:
    """Record a write that an operator does in the caller's place; nothing where the caller acts."""
    if caller.impersonator_id is not None:
        service: str = request.app.state.service
        details = {"method": request.method}
        record(session, service, caller, action=IN_PLACE_OF, target=request.url.path, details=details)
