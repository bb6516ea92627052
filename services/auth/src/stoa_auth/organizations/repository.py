"""Every query of organizations, memberships and invitations. Who may see a row is part of the query."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Select, exists, select, true
from sqlalchemy.sql.elements import ColumnElement

from stoa_auth.organizations.models import Invitation, Membership, Organization
from stoa_common import pages
from stoa_common.database import Session
from stoa_common.pages import PageQuery
from stoa_common.security import Principal

READ_ALL = "platform:read"


class OrganizationRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def find_visible(self, organization_id: UUID, caller: Principal) -> Organization | None:
        return await self._session.scalar(_visible(caller).where(Organization.id == organization_id))

    async def list_visible(self, caller: Principal, window: PageQuery) -> tuple[list[Organization], str | None]:
        return await pages.page(self._session, _visible(caller), by=[Organization.id], window=window)

    async def list_names(self, person_id: UUID) -> Sequence[str]:
        return (await self._session.scalars(select(Organization.name).where(_has_member(person_id)))).all()

    async def lock(self, organization_ids: Iterable[UUID]) -> None:
        """Let nobody else change who is an admin there, until this transaction ends."""
        ordered = select(Organization.id).where(Organization.id.in_(list(organization_ids))).order_by(Organization.id)
        # Without the key: a row that refers to the organization takes a lock on it too, and need not wait.
        await self._session.execute(ordered.with_for_update(key_share=True))


class MembershipRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def find(self, organization_id: UUID, person_id: UUID) -> Membership | None:
        return await self._session.get(Membership, (organization_id, person_id))

    async def list_of_person(self, person_id: UUID) -> Sequence[Membership]:
        """The oldest first."""
        query = select(Membership).where(Membership.person_id == person_id)
        return (await self._session.scalars(query.order_by(Membership.joined_at, Membership.organization_id))).all()

    async def find_active(self, organization_id: UUID, person_id: UUID) -> Membership | None:
        """The membership by which the person acts for the organization now."""
        return await self._session.scalar(_active(person_id).where(Membership.organization_id == organization_id))

    async def list_active(self, person_id: UUID) -> Sequence[Membership]:
        """The memberships by which the person acts for organizations now, the oldest first."""
        query = _active(person_id).order_by(Membership.joined_at, Membership.organization_id)
        return (await self._session.scalars(query)).all()

    async def list_of_organization(self, organization_id: UUID) -> Sequence[Membership]:
        return (await self._session.scalars(_members(organization_id))).all()

    async def page_of_organization(
        self, organization_id: UUID, window: PageQuery
    ) -> tuple[list[Membership], str | None]:
        return await pages.page(self._session, _members(organization_id), by=[Membership.person_id], window=window)


class InvitationRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def lock_by_hash(self, token_hash: bytes) -> Invitation | None:
        """The invitation, which nobody else uses before this transaction ends: so its uses are counted exactly."""
        query = select(Invitation).where(Invitation.token_hash == token_hash)
        return await self._session.scalar(query.with_for_update())

    async def lock_of_organizations(self, organization_ids: Iterable[UUID]) -> None:
        """Let nobody join there by an invitation, until this transaction ends."""
        query = select(Invitation.id).where(Invitation.organization_id.in_(list(organization_ids)))
        await self._session.execute(query.order_by(Invitation.id).with_for_update())


def _visible(caller: Principal) -> Select[Organization]:
    return select(Organization).where(true() if READ_ALL in caller.permissions else _has_member(caller.person_id))


def _has_member(person_id: UUID) -> ColumnElement[bool]:
    return exists().where(Membership.organization_id == Organization.id, Membership.person_id == person_id)


def _active(person_id: UUID) -> Select[Membership]:
    query = select(Membership).join(Organization, Organization.id == Membership.organization_id)
    nobody_suspended = (Membership.suspended_at.is_(None), Organization.suspended_at.is_(None))
    return query.where(Membership.person_id == person_id, *nobody_suspended)


def _members(organization_id: UUID) -> Select[Membership]:
    return select(Membership).where(Membership.organization_id == organization_id)
