"""Every query of administration. An organization's admins find its members alone: that is part of the query."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, literal_column, select, update

from stoa_auth.administration import domain
from stoa_auth.administration.schemas import Search
from stoa_auth.organizations.models import Membership, Organization
from stoa_auth.people.service import Person
from stoa_auth.sessions.models import LoginSession, RefreshToken
from stoa_common import pages
from stoa_common.database import Session, rows_affected
from stoa_common.pages import PageQuery

_MOST_SESSIONS: Final = 100
#: As the index has it, to the letter.
_NAME_WORDS: Final[ColumnElement[Any]] = literal_column("to_tsvector('simple', coalesce(people.name, ''))")


class PersonSearch:
    """People, for operators; members, for the admins of their organization."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def page(self, search: Search, window: PageQuery) -> tuple[list[Person], str | None]:
        return await pages.page(self._session, _matching(search), by=[Person.id], window=window)

    async def page_members(
        self, organization_id: UUID, search: Search, window: PageQuery
    ) -> tuple[list[tuple[Person, Membership]], str | None]:
        """Members whose membership, and not whose account, is suspended or is not, where that is asked."""
        query = _matching(search.model_copy(update={"suspended": None, "organization_id": organization_id}))
        if search.suspended is not None:
            at_all = Membership.suspended_at.is_not(None) if search.suspended else Membership.suspended_at.is_(None)
            query = query.where(_is_member(organization_id, at_all))
        found, following = await pages.page(self._session, query, by=[Person.id], window=window)
        members = await self._memberships(organization_id, [person.id for person in found])
        return [(person, members[person.id]) for person in found], following

    async def _memberships(self, organization_id: UUID, person_ids: Sequence[UUID]) -> dict[UUID, Membership]:
        theirs = (Membership.organization_id == organization_id, Membership.person_id.in_(person_ids))
        rows = await self._session.scalars(select(Membership).where(*theirs))
        return {row.person_id: row for row in rows}

    async def find_member(self, organization_id: UUID, person_id: UUID) -> tuple[Person, Membership] | None:
        query = select(Person, Membership).join(Membership, Membership.person_id == Person.id)
        here = (Membership.organization_id == organization_id, Person.id == person_id)
        row = (await self._session.execute(query.where(*here))).one_or_none()
        return (row[0], row[1]) if row else None

    async def list_memberships(self, person_id: UUID) -> Sequence[tuple[Membership, str]]:
        """Where the person belongs, suspended or not, with the organizations' names; the oldest first."""
        query = select(Membership, Organization.name).join(Organization, Organization.id == Membership.organization_id)
        rows = await self._session.execute(
            query.where(Membership.person_id == person_id).order_by(Membership.joined_at)
        )
        return [(row[0], row[1]) for row in rows]


def _matching(search: Search) -> Select[Person]:
    query = select(Person)
    if search.id is not None:
        query = query.where(Person.id == search.id)
    if search.email is not None:
        # Not LIKE: what a caller types has no wildcards.
        query = query.where(Person.email.bool_op("^@")(search.email))
    if search.name is not None:
        wanted = " & ".join(f"{word}:*" for word in domain.words(search.name))
        query = query.where(_NAME_WORDS.bool_op("@@")(func.to_tsquery(literal_column("'simple'"), wanted)))
    if search.organization_id is not None:
        query = query.where(_is_member(search.organization_id))
    if search.suspended is not None:
        query = query.where(Person.suspended_at.is_not(None) if search.suspended else Person.suspended_at.is_(None))
    return query


def _is_member(organization_id: UUID, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    here = (Membership.person_id == Person.id, Membership.organization_id == organization_id)
    return exists().where(*here, *conditions)


class AccessRepository:
    """The sessions by which a person, or whoever stands in for them, comes in."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def list_open(self, person_id: UUID, *, organization_id: UUID | None, at: datetime) -> Sequence[LoginSession]:
        """The newest first; only those that act for the organization, where one is given."""
        query = select(LoginSession).where(*_theirs(person_id, organization_id), *_open(at))
        rows = await self._session.scalars(query.order_by(LoginSession.id.desc()).limit(_MOST_SESSIONS))
        return rows.all()

    async def find_last_log_in(self, person_id: UUID, *, organization_id: UUID | None) -> datetime | None:
        """When the person last logged in by themselves, as far as sessions are kept."""
        own = (*_theirs(person_id, organization_id), LoginSession.impersonator_id.is_(None))
        return await self._session.scalar(select(func.max(LoginSession.opened_at)).where(*own))

    async def get(self, session_id: UUID) -> LoginSession:
        return await self._session.get_one(LoginSession, session_id)

    async def end_impersonation(self, session_id: UUID, person_id: UUID, *, at: datetime) -> bool:
        """Whether there was such an impersonation, which is over now."""
        such = (LoginSession.id == session_id, LoginSession.impersonator_id.is_not(None))
        ended = update(LoginSession).where(*such, *_theirs(person_id, None), *_open(at)).values(revoked_at=at)
        return rows_affected(await self._session.execute(ended)) == 1

    async def end_impersonations_by(self, operator_id: UUID, *, at: datetime) -> Sequence[UUID]:
        """End what the operator does in others' places; the sessions that are over now."""
        theirs = (LoginSession.impersonator_id == operator_id, *_open(at))
        ended = update(LoginSession).where(*theirs).values(revoked_at=at).returning(LoginSession.id)
        return (await self._session.scalars(ended)).all()

    async def end_for_organization(self, person_id: UUID, organization_id: UUID, *, at: datetime) -> None:
        """End the sessions by which the person acts for the organization."""
        theirs = (*_theirs(person_id, organization_id), LoginSession.revoked_at.is_(None))
        await self._session.execute(update(LoginSession).where(*theirs).values(revoked_at=at))


def _theirs(person_id: UUID, organization_id: UUID | None) -> tuple[ColumnElement[bool], ...]:
    theirs = (LoginSession.person_id == person_id,)
    return theirs if organization_id is None else (*theirs, LoginSession.organization_id == organization_id)


def _open(at: datetime) -> tuple[ColumnElement[bool], ...]:
    token = exists().where(RefreshToken.session_id == LoginSession.id, RefreshToken.expires_at > at)
    lasts = LoginSession.ends_at.is_(None) | (LoginSession.ends_at > at)
    return LoginSession.revoked_at.is_(None), lasts, token
