"""Every query of provisioning. The organization is part of each: another one's ids are not there."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, any_, cast, delete, exists, func, literal, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from stoa_auth.organizations.service import Membership
from stoa_auth.people.service import Person
from stoa_auth.scim.filtering import Condition
from stoa_auth.scim.models import ScimGroup, ScimGroupMember, ScimHour, ScimUser
from stoa_common.database import Session


@dataclass(frozen=True, slots=True)
class Listed:
    """What a filter found: which window of it, and how much there is."""

    condition: Condition
    order: str
    base: str
    offset: int
    limit: int


class UserRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, **values: object) -> ScimUser | None:
        """The new user; None where the organization has one of this name or person. A rival's insert is waited for."""
        statement = insert(ScimUser).values(**values).on_conflict_do_nothing().returning(ScimUser)
        return await self._session.scalar(statement)

    async def add_all(self, rows: Sequence[Mapping[str, object]]) -> None:
        """New users; those whose name is taken are left out."""
        if rows:
            await self._session.execute(insert(ScimUser).on_conflict_do_nothing(), list(rows))

    async def find(self, organization_id: UUID, user_id: UUID) -> ScimUser | None:
        return await self._session.scalar(_users(organization_id).where(ScimUser.id == user_id))

    async def lock(self, organization_id: UUID, user_id: UUID) -> ScimUser | None:
        """The user as it is now, whom nobody else changes before this transaction ends."""
        query = _users(organization_id).where(ScimUser.id == user_id).with_for_update()
        return await self._session.scalar(query.execution_options(populate_existing=True))

    async def write(self, user: ScimUser, values: Mapping[str, Any]) -> bool:
        """Let the user have these values; False where another user of the organization has the name or the person."""
        try:
            async with self._session.begin_nested():
                for name, value in values.items():
                    if getattr(user, name) != value:
                        setattr(user, name, value)
        except IntegrityError:
            return False
        return True

    async def page(self, organization_id: UUID, wanted: Listed) -> tuple[Sequence[ScimUser], int]:
        return await _page(self._session, _users(organization_id), wanted)

    async def list_by_ids(self, organization_id: UUID, user_ids: Collection[UUID]) -> Sequence[ScimUser]:
        return (await self._session.scalars(_users(organization_id).where(_among(ScimUser.id, user_ids)))).all()

    async def count_account(self, organization_id: UUID, *, hour: datetime) -> int:
        """Count one account more that is made in this hour: how many there are by now. Forgets earlier hours."""
        hours = ScimHour.organization_id == organization_id
        await self._session.execute(delete(ScimHour).where(hours, ScimHour.began_at < hour))
        counted = insert(ScimHour).values(organization_id=organization_id, began_at=hour, accounts=1)
        one_more = {"accounts": ScimHour.accounts + 1}
        keys = [ScimHour.organization_id, ScimHour.began_at]
        counted = counted.on_conflict_do_update(index_elements=keys, set_=one_more)
        return await self._session.scalar(counted.returning(ScimHour.accounts)) or 0

    async def list_unlisted(self, organization_id: UUID) -> Sequence[Membership]:
        """Members whom no user stands for."""
        listed = exists().where(ScimUser.organization_id == organization_id, ScimUser.person_id == Membership.person_id)
        query = select(Membership).where(Membership.organization_id == organization_id, ~listed)
        return (await self._session.scalars(query)).all()

    async def forget_left(self, organization_id: UUID) -> None:
        """Drop the users whose membership has ended."""
        left = (ScimUser.joined_at.is_not(None), ~_has_membership())
        await self._session.execute(delete(ScimUser).where(ScimUser.organization_id == organization_id, *left))

    async def list_joining(self, organization_id: UUID) -> Sequence[UUID]:
        """The users who are members by now, and were not when they were invited."""
        joining = (ScimUser.organization_id == organization_id, ScimUser.joined_at.is_(None), _has_membership())
        return (await self._session.scalars(select(ScimUser.id).where(*joining))).all()

    async def lock_people(self, organization_id: UUID, user_ids: Iterable[UUID]) -> None:
        """Let nobody else change what these users' people are; in one order, so that nobody waits in a circle."""
        theirs = select(ScimUser.person_id).where(
            ScimUser.organization_id == organization_id, _among(ScimUser.id, user_ids)
        )
        people = select(Person.id).where(Person.id.in_(theirs)).order_by(Person.id)
        await self._session.execute(people.with_for_update())

    async def hold(self, organization_id: UUID, user_ids: Collection[UUID]) -> Sequence[ScimUser]:
        """The users as they are now, whose people are locked."""
        if not user_ids:
            return ()
        await self.lock_people(organization_id, user_ids)
        query = _users(organization_id).where(_among(ScimUser.id, user_ids))
        return (await self._session.scalars(query.execution_options(populate_existing=True))).all()

    async def list_memberships(self, organization_id: UUID, person_ids: Iterable[UUID]) -> dict[UUID, Membership]:
        """By person, as they are now; the suspended too."""
        query = select(Membership).where(Membership.organization_id == organization_id)
        query = query.where(_among(Membership.person_id, person_ids))
        found = await self._session.scalars(query.execution_options(populate_existing=True))
        return {membership.person_id: membership for membership in found}

    async def list_groups(self, user_ids: Iterable[UUID]) -> dict[UUID, list[ScimGroup]]:
        """The groups of each user."""
        query = select(ScimGroupMember.scim_user_id, ScimGroup).join(ScimGroup).order_by(ScimGroup.id)
        found: dict[UUID, list[ScimGroup]] = defaultdict(list)
        for user_id, group in await self._session.execute(query.where(_among(ScimGroupMember.scim_user_id, user_ids))):
            found[user_id].append(group)
        return found

    async def remove(self, user: ScimUser) -> None:
        await self._session.delete(user)
        await self._session.flush()


class GroupRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, group: ScimGroup) -> None:
        self._session.add(group)
        await self._session.flush()

    async def find(self, organization_id: UUID, group_id: UUID) -> ScimGroup | None:
        return await self._session.scalar(_groups(organization_id).where(ScimGroup.id == group_id))

    async def lock(self, organization_id: UUID, group_id: UUID) -> ScimGroup | None:
        """The group as it is now, which nobody else changes before this transaction ends."""
        query = _groups(organization_id).where(ScimGroup.id == group_id).with_for_update()
        return await self._session.scalar(query.execution_options(populate_existing=True))

    async def page(self, organization_id: UUID, wanted: Listed) -> tuple[Sequence[ScimGroup], int]:
        return await _page(self._session, _groups(organization_id), wanted)

    async def list_members(self, group_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
        """The users of each group."""
        query = select(ScimGroupMember).where(_among(ScimGroupMember.group_id, group_ids))
        found: dict[UUID, list[UUID]] = defaultdict(list)
        for member in await self._session.scalars(query.order_by(ScimGroupMember.scim_user_id)):
            found[member.group_id].append(member.scim_user_id)
        return found

    async def sizes(self, group_ids: Iterable[UUID]) -> dict[UUID, int]:
        """How many are in each group that has members."""
        of_group = ScimGroupMember.group_id
        counted = select(of_group, func.count()).where(_among(of_group, group_ids)).group_by(of_group)
        return {row[0]: row[1] for row in await self._session.execute(counted)}

    async def list_lacking(self, group_id: UUID, role: str) -> Sequence[UUID]:
        """The users in the group who are members without the role that it gives."""
        lacking = select(ScimUser.id).join(ScimGroupMember).where(ScimGroupMember.group_id == group_id)
        without = (ScimUser.joined_at.is_not(None), _has_membership(~Membership.roles.contains([role])))
        return (await self._session.scalars(lacking.where(*without))).all()

    async def put_in(self, group_id: UUID, user_ids: Collection[UUID]) -> None:
        """Who is being removed at this moment is waited for, and left out."""
        users = select(literal(group_id, Uuid), ScimUser.id).where(_among(ScimUser.id, user_ids)).order_by(ScimUser.id)
        rows = insert(ScimGroupMember).from_select(
            ["group_id", "scim_user_id"], users.with_for_update(read=True, key_share=True)
        )
        if user_ids:
            await self._session.execute(rows.on_conflict_do_nothing())

    async def take_out(self, group_id: UUID, user_ids: Collection[UUID]) -> None:
        gone = (ScimGroupMember.group_id == group_id, _among(ScimGroupMember.scim_user_id, user_ids))
        if user_ids:
            await self._session.execute(delete(ScimGroupMember).where(*gone))

    async def remove(self, group: ScimGroup) -> None:
        await self._session.delete(group)
        await self._session.flush()


def _users(organization_id: UUID) -> Select[ScimUser]:
    return select(ScimUser).where(ScimUser.organization_id == organization_id)


def _groups(organization_id: UUID) -> Select[ScimGroup]:
    return select(ScimGroup).where(ScimGroup.organization_id == organization_id)


def _among(column: Any, ids: Iterable[UUID]) -> Any:
    """As one parameter, however many: a statement takes no more than 32,767."""
    return column == any_(cast(list(ids), ARRAY(Uuid)))


def _has_membership(*such: Any) -> Any:
    return exists().where(
        Membership.organization_id == ScimUser.organization_id, Membership.person_id == ScimUser.person_id, *such
    )


async def _page(session: Session, query: "Select[Any]", wanted: Listed) -> tuple[Sequence[Any], int]:
    found = query.where(_bound(wanted.condition.sql, wanted.condition.values, base=wanted.base))
    total = await session.scalar(found.with_only_columns(func.count(), maintain_column_froms=True)) or 0
    if wanted.limit == 0 or wanted.offset >= total:
        return [], total
    ordered = found.order_by(_bound(wanted.order, {}, base=wanted.base))
    return (await session.scalars(ordered.offset(wanted.offset).limit(wanted.limit))).all(), total


def _bound(sql: str, values: Mapping[str, Any], *, base: str) -> Any:
    """The text with its parameters; the address is one of them where it is spoken of."""
    used = {**values, "base": base} if ":base" in sql else dict(values)
    return text(sql).bindparams(**used)
