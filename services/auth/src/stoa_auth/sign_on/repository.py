"""Every query of sign-on. Who may see a connection or a domain is part of the query."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, exists, func, select, text, true
from sqlalchemy.dialects.postgresql import insert

from stoa_auth.sign_on.models import Connection, Identity, ProvedDomain, SignOnAttempt, SignOnCode
from stoa_common import pages
from stoa_common.database import Session
from stoa_common.pages import PageQuery
from stoa_common.security import Principal

READ_ALL = "platform:read"


class ConnectionRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, connection: Connection) -> None:
        self._session.add(connection)

    async def find_enabled(self, connection_id: UUID) -> Connection | None:
        query = select(Connection).where(Connection.id == connection_id, Connection.is_enabled)
        return await self._session.scalar(query)

    async def hold_enabled(self, connection_id: UUID) -> Connection | None:
        """The connection, as nobody changes or deletes it before this transaction ends; many may hold it at once."""
        query = select(Connection).where(Connection.id == connection_id, Connection.is_enabled)
        return await self._session.scalar(query.with_for_update(read=True))

    async def find_visible(self, connection_id: UUID, caller: Principal) -> Connection | None:
        return await self._session.scalar(_connections(caller).where(Connection.id == connection_id))

    async def lock_visible(self, connection_id: UUID, caller: Principal) -> Connection | None:
        return await self._session.scalar(_connections(caller).where(Connection.id == connection_id).with_for_update())

    async def page_visible(self, caller: Principal, window: PageQuery) -> tuple[list[Connection], str | None]:
        return await pages.page(self._session, _connections(caller), by=[Connection.id], window=window)

    async def count(self, organization_id: UUID) -> int:
        """How many the organization has; the number holds until this transaction ends."""
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended('sign-on ' || :organization, 0))")
        await self._session.execute(lock, {"organization": str(organization_id)})
        query = select(func.count()).select_from(Connection).where(Connection.organization_id == organization_id)
        return await self._session.scalar(query) or 0

    async def has_enabled(self, organization_id: UUID) -> bool:
        theirs = (Connection.organization_id == organization_id, Connection.is_enabled)
        return bool(await self._session.scalar(select(exists().where(*theirs))))

    async def list_of_domain(self, domain: str) -> Sequence[Connection]:
        """The enabled connections of the organization that proved the domain."""
        query = select(Connection).join(ProvedDomain, ProvedDomain.organization_id == Connection.organization_id)
        theirs = query.where(ProvedDomain.domain == domain, Connection.is_enabled)
        return (await self._session.scalars(theirs.order_by(Connection.id))).all()

    async def list_of_organizations(self, organization_ids: Collection[UUID]) -> Sequence[Connection]:
        """The enabled connections of these."""
        theirs = (Connection.organization_id.in_(organization_ids), Connection.is_enabled)
        return (await self._session.scalars(select(Connection).where(*theirs).order_by(Connection.id))).all()

    async def list_linked(self, person_id: UUID, *, organization_id: UUID) -> Sequence[Connection]:
        """The organization's enabled connections by which the person can log in."""
        linked = select(Identity.connection_id).where(Identity.person_id == person_id)
        theirs = (Connection.organization_id == organization_id, Connection.is_enabled, Connection.id.in_(linked))
        return (await self._session.scalars(select(Connection).where(*theirs).order_by(Connection.id))).all()

    async def delete(self, connection: Connection) -> None:
        """With its identities, and what is under way by it."""
        await self._session.delete(connection)
        await self._session.flush()


class DomainRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def find_owner(self, domain: str) -> UUID | None:
        """The organization that proved the domain."""
        query = select(ProvedDomain.organization_id).where(ProvedDomain.domain == domain)
        return await self._session.scalar(query)

    async def add_unless_known(self, domain: str, organization_id: UUID, *, at: datetime) -> ProvedDomain | None:
        values = {"domain": domain, "organization_id": organization_id, "proved_at": at}
        statement = insert(ProvedDomain).values(**values).on_conflict_do_nothing()
        return await self._session.scalar(statement.returning(ProvedDomain))

    async def get(self, domain: str) -> ProvedDomain:
        return await self._session.get_one(ProvedDomain, domain)

    async def delete(self, domain: str) -> UUID | None:
        """The organization that had proved it."""
        statement = delete(ProvedDomain).where(ProvedDomain.domain == domain).returning(ProvedDomain.organization_id)
        return await self._session.scalar(statement)

    async def page_visible(self, caller: Principal, window: PageQuery) -> tuple[list[ProvedDomain], str | None]:
        mine = true() if READ_ALL in caller.permissions else ProvedDomain.organization_id == caller.organization_id
        return await pages.page(
            self._session, select(ProvedDomain).where(mine), by=[ProvedDomain.domain], window=window
        )


class IdentityRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def lock_subject(self, connection_id: UUID, subject: str) -> None:
        """Let nobody else meet the same stranger, until this transaction ends: they log in twice at once."""
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:who, 1))")
        await self._session.execute(lock, {"who": f"{connection_id} {subject}"})

    async def find(self, connection_id: UUID, subject: str) -> Identity | None:
        at_provider = (Identity.connection_id == connection_id, Identity.provider_subject == subject)
        return await self._session.scalar(select(Identity).where(*at_provider))

    async def is_linked(self, connection_id: UUID, person_id: UUID) -> bool:
        query = select(exists().where(Identity.connection_id == connection_id, Identity.person_id == person_id))
        return bool(await self._session.scalar(query))

    def add(self, identity: Identity) -> None:
        self._session.add(identity)

    async def page_of_person(
        self, person_id: UUID, window: PageQuery
    ) -> tuple[list[Identity], dict[UUID, str], str | None]:
        """The person's identities, and the names of their connections."""
        mine = select(Identity).where(Identity.person_id == person_id)
        found, following = await pages.page(self._session, mine, by=[Identity.id], window=window)
        wanted = select(Connection.id, Connection.name).where(Connection.id.in_({each.connection_id for each in found}))
        names = {row.id: row.name for row in await self._session.execute(wanted)}
        return found, names, following

    async def list_of_person(self, person_id: UUID) -> Sequence[tuple[Identity, str]]:
        """All of them, each with the name of its connection."""
        query = select(Identity, Connection.name).join(Connection, Connection.id == Identity.connection_id)
        mine = query.where(Identity.person_id == person_id).order_by(Identity.id)
        return [(row[0], row[1]) for row in await self._session.execute(mine)]

    async def delete_of_person(self, identity_id: UUID, person_id: UUID) -> UUID | None:
        """The connection of what was deleted."""
        mine = (Identity.id == identity_id, Identity.person_id == person_id)
        return await self._session.scalar(delete(Identity).where(*mine).returning(Identity.connection_id))


class AttemptRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, attempt: SignOnAttempt) -> None:
        self._session.add(attempt)

    async def take(
        self, state_hash: bytes, browser_hash: bytes, connection_id: UUID, *, at: datetime
    ) -> SignOnAttempt | None:
        """The browser's attempt, which nobody takes again; one of somebody else's browser stays as it is."""
        this = (SignOnAttempt.state_hash == state_hash, SignOnAttempt.browser_hash == browser_hash)
        in_time = (SignOnAttempt.connection_id == connection_id, SignOnAttempt.expires_at > at)
        return await self._session.scalar(delete(SignOnAttempt).where(*this, *in_time).returning(SignOnAttempt))

    def add_code(self, code: SignOnCode) -> None:
        self._session.add(code)

    async def take_code(self, code_hash: bytes, *, at: datetime) -> SignOnCode | None:
        """What the code stands for; nobody takes it again."""
        this = (SignOnCode.code_hash == code_hash, SignOnCode.expires_at > at)
        return await self._session.scalar(delete(SignOnCode).where(*this).returning(SignOnCode))

    async def forget_old(self, *, at: datetime, at_once: int = 100) -> None:
        """Delete some of what has had its time; each new attempt clears more than it adds."""
        attempts = select(SignOnAttempt.state_hash).where(SignOnAttempt.expires_at <= at).limit(at_once)
        codes = select(SignOnCode.code_hash).where(SignOnCode.expires_at <= at).limit(at_once)
        # What somebody else is deleting is left to them: nobody waits for anybody in a circle.
        old_attempts = SignOnAttempt.state_hash.in_(attempts.with_for_update(skip_locked=True))
        old_codes = SignOnCode.code_hash.in_(codes.with_for_update(skip_locked=True))
        await self._session.execute(delete(SignOnAttempt).where(old_attempts))
        await self._session.execute(delete(SignOnCode).where(old_codes))


def _connections(caller: Principal) -> Select[Connection]:
    everything = select(Connection)
    if READ_ALL in caller.permissions:
        return everything
    return everything.where(Connection.organization_id == caller.organization_id)
