"""Every query of provisioning. The organization is part of each: another one's ids are not there."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, any_, cast, delete, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from stoa_auth.organizations.service import Membership
from stoa_auth.scim.filtering import Condition, Source
from stoa_auth.scim.models import ScimGroup, ScimGroupMember, ScimHour, ScimUser
from stoa_common.database import Session, rows_affected

_ACTIVE: Final = (
    "CASE WHEN scim_users.joined_at IS NULL THEN scim_users.active IS NOT FALSE ELSE NOT EXISTS ("
    "SELECT 1 FROM memberships s WHERE s.organization_id = scim_users.organization_id"
    " AND s.person_id = scim_users.person_id AND s.suspended_at IS NOT NULL) END"
)
_GROUPS: Final = (
    "(SELECT jsonb_agg(jsonb_build_object('value', g.id::text, 'display', g.search -> 'display_name',"
    " 'ref', lower(:base) || '/groups/' || g.id, 'type', 'direct'))"
    " FROM scim_group_members m JOIN scim_groups g ON g.id = m.group_id WHERE m.scim_user_id = scim_users.id)"
)
_MEMBERS: Final = (
    "(SELECT jsonb_agg(jsonb_build_object('value', m.scim_user_id::text, 'type', 'user',"
    " 'ref', lower(:base) || '/users/' || m.scim_user_id)) FROM scim_group_members m WHERE m.group_id = scim_groups.id)"
)


def _meta(table: str, kind: str, *, version: str) -> dict[str, str]:
    return {
        "resource_type": f"CAST('{kind}' AS text)",
        "location": f"(lower(:base) || '/{kind.lower()}s/' || {table}.id)",
        "version": version,
        "created": f"{table}.created_at",
        "last_modified": f"{table}.changed_at",
    }


#: `:base` is the address of the SCIM endpoint.
USERS: Final = Source(
    "scim_users.search",
    {
        "id": "to_jsonb(scim_users.id::text)",
        "active": f"CASE WHEN scim_users.active IS NOT NULL THEN to_jsonb({_ACTIVE}) END",
        "groups": _GROUPS,
    },
    _meta(
        "scim_users", "User", version=f"('W/\"' || scim_users.revision || CASE WHEN {_ACTIVE} THEN '\"' ELSE 's\"' END)"
    ),
)
GROUPS: Final = Source(
    "scim_groups.search",
    {"id": "to_jsonb(scim_groups.id::text)", "members": _MEMBERS},
    _meta("scim_groups", "Group", version="('W/\"' || scim_groups.revision || '\"')"),
)


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

    async def mark_joined(self, organization_id: UUID) -> Sequence[UUID]:
        """The users who have become members since they were invited."""
        waiting = (ScimUser.organization_id == organization_id, ScimUser.joined_at.is_(None), _has_membership())
        joined = update(ScimUser).where(*waiting).values(joined_at=func.now())
        return (await self._session.scalars(joined.returning(ScimUser.id))).all()

    async def list_memberships(self, organization_id: UUID, person_ids: Iterable[UUID]) -> dict[UUID, Membership]:
        """By person; the suspended too."""
        query = select(Membership).where(Membership.organization_id == organization_id)
        found = await self._session.scalars(query.where(_among(Membership.person_id, person_ids)))
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

    async def put_in(self, group_id: UUID, user_ids: Iterable[UUID]) -> None:
        rows = [{"group_id": group_id, "scim_user_id": user_id} for user_id in sorted(user_ids)]
        if rows:
            await self._session.execute(insert(ScimGroupMember).on_conflict_do_nothing(), rows)

    async def take_out(self, group_id: UUID, user_ids: Iterable[UUID]) -> int:
        gone = (ScimGroupMember.group_id == group_id, _among(ScimGroupMember.scim_user_id, user_ids))
        return rows_affected(await self._session.execute(delete(ScimGroupMember).where(*gone)))

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


def _has_membership() -> Any:
    return exists().where(
        Membership.organization_id == ScimUser.organization_id, Membership.person_id == ScimUser.person_id
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
