"""Every query of organizations, memberships, roles and invitations. Who may see a row is part of the query."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, exists, func, select, text, true, update
from sqlalchemy.sql.elements import ColumnElement

from stoa_auth.organizations.models import Invitation, Membership, Organization, OrganizationRole
from stoa_common import pages
from stoa_common.database import Session, rows_affected
from stoa_common.pages import PageQuery
from stoa_common.permissions import Role
from stoa_common.security import Principal

READ_ALL = "platform:read"
_OWNERS = "pg_advisory_xact_lock{}(hashtextextended('owners of ' || CAST(:id AS text), 0))"


class OrganizationRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def find_visible(self, organization_id: UUID, caller: Principal) -> Organization | None:
        return await self._session.scalar(_visible(caller).where(Organization.id == organization_id))

    async def list_visible(self, caller: Principal, window: PageQuery) -> tuple[list[Organization], str | None]:
        return await pages.page(self._session, _visible(caller), by=[Organization.id], window=window)

    async def list_names(self, person_id: UUID) -> Sequence[str]:
        return (await self._session.scalars(select(Organization.name).where(_has_member(person_id)))).all()

    async def find(self, organization_id: UUID) -> Organization | None:
        return await self._session.get(Organization, organization_id)

    async def list_acting(self, organization_ids: Collection[UUID]) -> Sequence[Organization]:
        """Those of these that are not suspended."""
        acting = (Organization.id.in_(organization_ids), Organization.suspended_at.is_(None))
        return (await self._session.scalars(select(Organization).where(*acting))).all()

    async def lock(self, organization_id: UUID) -> Organization | None:
        """The organization, for which nobody is given a token before this transaction ends."""
        query = select(Organization).where(Organization.id == organization_id)
        # Without the key: a row that refers to the organization takes a lock on it too, and need not wait.
        return await self._session.scalar(
            query.with_for_update(key_share=True).execution_options(populate_existing=True)
        )

    async def lock_owners(self, organization_id: UUID) -> None:
        """Let nobody join, and nobody else cease to be an owner, before this transaction ends."""
        await self._session.execute(text(f"SELECT {_OWNERS.format('')}"), {"id": str(organization_id)})

    async def hold_owners(self, organization_id: UUID) -> None:
        """Let no owner leave the organization alone; many may hold at once."""
        await self._session.execute(text(f"SELECT {_OWNERS.format('_shared')}"), {"id": str(organization_id)})


class MembershipRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def find(self, organization_id: UUID, person_id: UUID) -> Membership | None:
        """As it is now, whatever was read before."""
        this = (Membership.organization_id == organization_id, Membership.person_id == person_id)
        return await self._session.scalar(select(Membership).where(*this).execution_options(populate_existing=True))

    async def list_of_person(self, person_id: UUID) -> Sequence[Membership]:
        """The oldest first."""
        query = select(Membership).where(Membership.person_id == person_id)
        return (await self._session.scalars(query.order_by(Membership.joined_at, Membership.organization_id))).all()

    async def find_active(self, organization_id: UUID, person_id: UUID, *, signed_on: bool = True) -> Membership | None:
        """The membership by which the person acts for the organization, which is held."""
        active = _active(person_id, signed_on=signed_on)
        return await self._session.scalar(active.where(Membership.organization_id == organization_id))

    async def list_active(self, person_id: UUID, *, signed_on: bool = True) -> Sequence[Membership]:
        """The memberships by which the person acts for organizations, which are held; the oldest first."""
        # Held in the order of their ids, so that nobody waits in a circle.
        active = _active(person_id, signed_on=signed_on)
        found = (await self._session.scalars(active.order_by(Organization.id))).all()
        return sorted(found, key=lambda membership: (membership.joined_at, membership.organization_id))

    async def list_owners(self, organization_id: UUID) -> Sequence[UUID]:
        """The owners who can act."""
        acting = (Membership.suspended_at.is_(None), Membership.roles.contains([Role.OWNER]))
        query = select(Membership.person_id).where(Membership.organization_id == organization_id, *acting)
        return (await self._session.scalars(query)).all()

    async def has_others(self, organization_id: UUID, person_id: UUID) -> bool:
        others = (Membership.organization_id == organization_id, Membership.person_id != person_id)
        return bool(await self._session.scalar(select(exists().where(*others))))

    async def count_holders(self, organization_id: UUID, role: str) -> int:
        holders = (Membership.organization_id == organization_id, Membership.roles.contains([role]))
        return await self._session.scalar(select(func.count()).select_from(Membership).where(*holders)) or 0

    async def page_of_organization(
        self, organization_id: UUID, window: PageQuery
    ) -> tuple[list[Membership], str | None]:
        members = select(Membership).where(Membership.organization_id == organization_id)
        return await pages.page(self._session, members, by=[Membership.person_id], window=window)

    def add(self, membership: Membership) -> None:
        self._session.add(membership)

    async def remove(self, membership: Membership) -> None:
        await self._session.delete(membership)


class RoleRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def list_of_organization(self, organization_id: UUID) -> Sequence[OrganizationRole]:
        query = select(OrganizationRole).where(OrganizationRole.organization_id == organization_id)
        return (await self._session.scalars(query.order_by(OrganizationRole.name))).all()

    async def list_named(self, organization_id: UUID, names: Iterable[str]) -> Sequence[OrganizationRole]:
        """Those of the roles that exist, as they are now."""
        return (await self._session.scalars(_named(organization_id, names))).all()

    async def list_held(self, organization_id: UUID, names: Iterable[str]) -> Sequence[OrganizationRole]:
        """Those of the roles that exist; none is deleted before this transaction ends."""
        held = _named(organization_id, names).with_for_update(read=True, key_share=True)
        return (await self._session.scalars(held)).all()

    async def find(self, organization_id: UUID, name: str) -> OrganizationRole | None:
        return await self._session.get(OrganizationRole, (organization_id, name))

    async def lock(self, organization_id: UUID, name: str) -> OrganizationRole | None:
        """The role, which nobody else changes or gives to anybody before this transaction ends."""
        query = select(OrganizationRole).where(
            OrganizationRole.organization_id == organization_id, OrganizationRole.name == name
        )
        return await self._session.scalar(query.with_for_update().execution_options(populate_existing=True))

    def add(self, role: OrganizationRole) -> None:
        self._session.add(role)

    async def remove(self, role: OrganizationRole) -> None:
        await self._session.delete(role)


class InvitationRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, invitation: Invitation) -> None:
        self._session.add(invitation)

    async def lock_by_hash(self, token_hash: bytes) -> Invitation | None:
        """The invitation, which nobody else uses before this transaction ends: so its uses are counted exactly."""
        query = select(Invitation).where(Invitation.token_hash == token_hash)
        return await self._session.scalar(query.with_for_update())

    async def lock_of_organizations(self, organization_ids: Iterable[UUID]) -> None:
        """Let nobody join there by an invitation, until this transaction ends."""
        query = select(Invitation.id).where(Invitation.organization_id.in_(list(organization_ids)))
        await self._session.execute(query.order_by(Invitation.id).with_for_update())

    async def page_open(
        self, organization_id: UUID, window: PageQuery, *, at: datetime
    ) -> tuple[list[Invitation], str | None]:
        """Invitations that still admit somebody, the oldest first."""
        query = select(Invitation).where(*_open(organization_id, at))
        return await pages.page(self._session, query, by=[Invitation.id], window=window)

    async def count_giving(self, organization_id: UUID, role: str, *, at: datetime) -> int:
        giving = (*_open(organization_id, at), Invitation.roles.contains([role]))
        return await self._session.scalar(select(func.count()).select_from(Invitation).where(*giving)) or 0

    async def count_mailed(self, organization_id: UUID, *, to: str | None = None, since: datetime) -> int:
        """How many were mailed, to anybody or to one address."""
        mailed = Invitation.email.is_not(None) if to is None else Invitation.email == to
        recent = (Invitation.organization_id == organization_id, Invitation.created_at > since)
        return await self._session.scalar(select(func.count()).select_from(Invitation).where(mailed, *recent)) or 0

    async def revoke(self, organization_id: UUID, invitation_id: UUID, *, at: datetime) -> bool:
        """Whether there was such an invitation, which is over now."""
        mine = (Invitation.id == invitation_id, *_open(organization_id, at))
        return rows_affected(await self._session.execute(update(Invitation).where(*mine).values(expires_at=at))) == 1

    async def revoke_of_address(self, organization_id: UUID, email: str, *, at: datetime) -> None:
        """End what was mailed there."""
        theirs = (Invitation.email == email, *_open(organization_id, at))
        await self._session.execute(update(Invitation).where(*theirs).values(expires_at=at))

    async def forget_of_address(self, email: str) -> None:
        """Delete what was mailed there, wherever."""
        await self._session.execute(delete(Invitation).where(Invitation.email == email))

    async def forget_old(self, *, before: datetime) -> None:
        """Delete what has been over since then, in all organizations, but what somebody else has in hand."""
        old = select(Invitation.id).where(Invitation.expires_at < before).with_for_update(skip_locked=True)
        await self._session.execute(delete(Invitation).where(Invitation.id.in_(old)))


def _named(organization_id: UUID, names: Iterable[str]) -> Select[OrganizationRole]:
    named = (OrganizationRole.organization_id == organization_id, OrganizationRole.name.in_(list(names)))
    query = select(OrganizationRole).where(*named).order_by(OrganizationRole.name)
    return query.execution_options(populate_existing=True)


def _visible(caller: Principal) -> Select[Organization]:
    return select(Organization).where(true() if READ_ALL in caller.permissions else _has_member(caller.person_id))


def _has_member(person_id: UUID) -> ColumnElement[bool]:
    return exists().where(Membership.organization_id == Organization.id, Membership.person_id == person_id)


def _active(person_id: UUID, *, signed_on: bool = True) -> Select[Membership]:
    """Tokens are issued by what this finds: it holds the organizations, so that these are not suspended meanwhile."""
    query = select(Membership).join(Organization, Organization.id == Membership.organization_id)
    nobody_suspended = (Membership.suspended_at.is_(None), Organization.suspended_at.is_(None))
    # An owner gets in, too, where the organization's provider does not let anybody in any more.
    admitted = true() if signed_on else ~Organization.requires_sign_on | Membership.roles.contains([Role.OWNER])
    mine = query.where(Membership.person_id == person_id, *nobody_suspended, admitted)
    return mine.with_for_update(read=True, of=Organization)


def _open(organization_id: UUID, at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Invitation.organization_id == organization_id,
        Invitation.expires_at > at,
        Invitation.uses < Invitation.max_uses,
    )
