"""The audit log: what was done, by whom, from where.

For the other features, `from stoa_auth.audit import service as audit`, and at the place of the act, in its transaction:

    audit.note(session, "member.invite", actor=caller.person_id, organization_id=organization_id,
               target=invitation.id, after={"roles": roles})

    def note(session, action, *, actor, machine=None, organization_id=None, target=None, subject=None,
             before=None, after=None) -> None

It is plain (no await), asks the database nothing, and raises ActionIsMisnamed where `action` is not `noun.verb`.
- `actor`: the person's id (while an operator acts in their place: noted as the operator, on behalf of the person);
  None where nobody is known (a failed log-in) or a `machine` acted (`api-key:<id>`).
- `organization_id`: whose log it belongs to; None for the platform's own.
- `target`: what it was done to, an id; never an e-mail address. `subject`: the person it was done to, where that is not
  the actor; it is the target where none is given.
- `before`, `after`: what changed, by name. Wrap what is personal in `Personal(...)`: it is sealed with the key of the
  subject (of the actor, where there is none). No secrets at all: no password, token, hash of one, or recovery code.
Network address, user agent, correlation id and time are read from the request. All of it is written at the end of the
transaction, and gone with it where it is rolled back: what is noted about a refusal needs a transaction of its own.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from stoa_auth.audit import domain, sealing
from stoa_auth.audit.domain import Act
from stoa_auth.audit.models import PLATFORM, AuditRecord
from stoa_auth.audit.repository import AuditRepository, Head
from stoa_auth.audit.schemas import BrokenOut, Choice, RecordOut, VerificationOut
from stoa_common import clock, context, hash_chain
from stoa_common.database import Database, Session, at_commit
from stoa_common.ids import new_id
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Principal
from stoa_events.contracts.operations import AuditRecorded
from stoa_events.personal import Personal

__all__ = ["export", "keep_act", "list_records", "note", "verify"]
READS_ALL: Final = "platform:read"
_NO_HEAD: Final = Head(0, hash_chain.GENESIS)
_BATCH: Final = 500


def note(
    session: Session,
    action: str,
    *,
    actor: UUID | None,
    machine: str | None = None,
    organization_id: UUID | None = None,
    target: UUID | str | None = None,
    subject: UUID | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Note what is being done with this transaction; see above. Raises ActionIsMisnamed."""
    request = context.current()
    hands = domain.hands(actor, subject, request.impersonation)
    act = Act(
        id=new_id(),
        service="auth",
        action=action,
        actor=hands.actor,
        machine=machine,
        subject=hands.subject,
        organization_id=organization_id,
        target=str(target or subject) if target or subject else None,
        before=before,
        after=after,
        address=Personal(request.address) if request.address else None,
        user_agent=Personal(request.user_agent) if request.user_agent else None,
        correlation_id=request.correlation_id,
        recorded_at=clock.now(),
        on_behalf_of=hands.on_behalf_of,
    )
    at_commit(session, _write, act)


async def _write(session: Session, acts: list[Act]) -> None:
    """Each chain is locked when all else is done, and chains in one order, so that nobody waits in a circle."""
    await session.flush()
    chains: dict[UUID, list[tuple[Act, dict[str, Any]]]] = defaultdict(list)
    for act in acts:
        chains[act.chain].append((act, await sealing.seal(session, act)))
    for chain in sorted(chains):
        await _append(AuditRepository(session), chain, chains[chain])


async def _append(repository: AuditRepository, chain: UUID, acts: Sequence[tuple[Act, dict[str, Any]]]) -> None:
    await repository.lock(chain)
    head = await repository.find_head(chain) or _NO_HEAD
    rows = []
    for act, sealed in acts:
        body = domain.body(act, number=head.number + 1, sealed=sealed)
        row = {"chain": chain, "number": head.number + 1, "previous_hash": head.hash, "body": body.decode()}
        head = Head(head.number + 1, hash_chain.digest(head.hash, body))
        rows.append({**row, "hash": head.hash, "recorded_at": act.recorded_at})
    await repository.add(rows)


def keep_act(session: Session, event: AuditRecorded, *, organization_id: UUID | None) -> None:
    """Write down what was done in a service, as its event tells."""
    act = Act(
        id=event.audit_id,
        service=event.source().removeprefix("/"),
        action=event.action,
        actor=event.person_id,
        machine=None,
        subject=None,
        organization_id=organization_id,
        target=event.target,
        before=None,
        after=event.details,
        address=event.address,
        user_agent=event.user_agent,
        correlation_id=context.current().correlation_id,
        recorded_at=event.recorded_at,
        on_behalf_of=event.on_behalf_of,
    )
    at_commit(session, _write, act)


def _open_log(wanted: UUID | None, caller: Principal) -> UUID:
    """The chain that the caller may read: an operator, any. Raises NoSuchAuditLog, NoOrganization."""
    if READS_ALL in caller.permissions:
        return wanted or PLATFORM
    return domain.own(wanted, acting_for=caller.organization_id)


async def list_records(
    session: Session, choice: Choice, window: PageQuery, *, log: UUID | None, caller: Principal
) -> Page[RecordOut]:
    """Raises NoSuchAuditLog, NoOrganization."""
    records, following = await AuditRepository(session).page(_open_log(log, caller), choice, window)
    told = sealing.open_all(records, await sealing.keys_of(session, records))
    return Page(items=[_out(record, each) for record, each in zip(records, told, strict=True)], next=following)


def _out(record: AuditRecord, told: dict[str, Any]) -> RecordOut:
    return RecordOut(
        organization_id=domain.organization_of(record.chain),
        previous_hash=record.previous_hash.hex(),
        hash=record.hash.hex(),
        **told,
    )


async def export(database: Database, choice: Choice, *, log: UUID | None, caller: Principal) -> AsyncIterator[bytes]:
    """The lines of an export, as of now; that it was taken is noted first. Raises NoSuchAuditLog, NoOrganization."""
    chain = _open_log(log, caller)
    async with database.transaction() as session:
        organization_id = domain.organization_of(chain)
        note(session, "audit.export", actor=caller.person_id, organization_id=organization_id)
    async with database.transaction() as session:
        head = await AuditRepository(session).find_head(chain) or _NO_HEAD
    return _lines(database, chain, choice, head=head)


async def _lines(database: Database, chain: UUID, choice: Choice, *, head: Head) -> AsyncIterator[bytes]:
    async for records in _batches(database, chain, choice, head=head):
        yield b"".join(
            hash_chain.link_line(previous=each.previous_hash, body=each.body.encode(), hash=each.hash)
            for each in records
        )
    yield hash_chain.end_line(domain.chain_name(chain), head=head.hash, records=head.number)


async def _batches(
    database: Database, chain: UUID, choice: Choice, *, head: Head
) -> AsyncIterator[Sequence[AuditRecord]]:
    """A connection is held for a batch, and not while the client reads."""
    number = 0
    while True:
        async with database.transaction() as session:
            records = await AuditRepository(session).list_after(
                chain, choice, number=number, until=head.number, limit=_BATCH
            )
        if not records:
            return
        yield records
        number = records[-1].number


async def verify(database: Database, *, log: UUID | None, noted: str | None, caller: Principal) -> VerificationOut:
    """Recompute a log. Raises NoSuchAuditLog, NoOrganization."""
    chain = _open_log(log, caller)
    async with database.transaction() as session:
        head = await AuditRepository(session).find_head(chain) or _NO_HEAD
    followed = hash_chain.Chain(bytes.fromhex(noted) if noted else None, name=domain.chain_name(chain))
    broken = None
    try:
        async for records in _batches(database, chain, Choice(), head=head):
            for record in records:
                domain.follow(followed, record)
        followed.end()
    except hash_chain.BrokenChain as found:
        broken = BrokenOut(number=found.number, problem=found.problem)
    return VerificationOut(
        organization_id=domain.organization_of(chain),
        holds=broken is None,
        records=followed.number,
        head=followed.head.hex(),
        broken=broken,
    )
