"""What operators do to a service is recorded, in the transaction that does it."""

from collections.abc import Mapping

from stoa_common import clock, context, outbox
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_common.security import Principal
from stoa_events.contracts.operations import operations_of
from stoa_events.personal import Personal


def record(
    session: Session, service: str, caller: Principal, *, action: str, target: str, details: Mapping[str, str]
) -> None:
    """Record that the caller did this; `action` is `noun.verb`, and nothing that is given here may be personal.

    Where the request came from is recorded with it, sealed with the caller's key.
    """
    contract, request = operations_of(service).audit_recorded, context.current()
    event = contract(
        audit_id=new_id(),
        person_id=caller.person_id,
        action=action,
        target=target,
        details=dict(details),
        recorded_at=clock.now(),
        address=Personal(request.address),
        user_agent=Personal(request.user_agent),
    )
    outbox.add(session, event)
