"""What was done in any service, into the audit log."""

from stoa_auth.audit import service
from stoa_common.database import Session
from stoa_common.messaging import EventRouter
from stoa_events.contracts.operations import SERVICES, AuditRecorded, operations_of
from stoa_events.envelope import Envelope

router = EventRouter(
    group="auth.audit",
    rebuild_refused="The audit log is only ever added to: ask for a replay, which adds what is missing.",
)


async def keep_act(event: AuditRecorded, envelope: Envelope, session: Session) -> None:
    service.keep_act(session, event, organization_id=envelope.orgid)


for _service in SERVICES:
    router.on(operations_of(_service).audit_recorded)(keep_act)
