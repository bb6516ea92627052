"""Tables of SCIM: what directories say of people and groups, beside what Stoa knows itself."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base, Session
from stoa_common.privacy import personal_table


class ScimUser(Base):
    """What an organization's directory says of one person. It belongs to their membership, and goes with it.

    Until `joined_at` there is no membership: an account with this address has yet to accept the invitation, or, where
    `person_id` is null, no address is known.
    """

    __tablename__ = "scim_users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    #: In the form in which names are compared; one of each in an organization.
    user_name: Mapped[str] = mapped_column(Text)
    #: The resource as JSON, without what Stoa itself says of it: id, meta, active, groups.
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    #: The same in the form in which filters compare, by field.
    search: Mapped[dict[str, Any]] = mapped_column(JSONB)
    #: What an account of that address was asked by; it may be long over.
    invitation_id: Mapped[UUID | None]
    #: What the directory said before there was a membership; from then on the membership says it. None: nothing, and
    #: nothing is told.
    active: Mapped[bool | None]
    #: Whether the account was made by this; only then its name follows the directory.
    provisioned: Mapped[bool]
    #: The roles that the person has by groups alone.
    granted_roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    revision: Mapped[int]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    joined_at: Mapped[datetime | None]


class ScimGroup(Base):
    """A group of the directory, and the role that its members have by it."""

    __tablename__ = "scim_groups"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    #: The resource as JSON, without id, meta and members.
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    search: Mapped[dict[str, Any]] = mapped_column(JSONB)
    role: Mapped[str | None] = mapped_column(Text)
    revision: Mapped[int]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class ScimGroupMember(Base):
    """Who is in which group."""

    __tablename__ = "scim_group_members"

    group_id: Mapped[UUID] = mapped_column(ForeignKey("scim_groups.id", ondelete="CASCADE"), primary_key=True)
    scim_user_id: Mapped[UUID] = mapped_column(
        ForeignKey("scim_users.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class ScimHour(Base):
    """How many accounts an organization's directory made within an hour; it counts those that are gone, too."""

    __tablename__ = "scim_hours"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    began_at: Mapped[datetime] = mapped_column(primary_key=True)
    accounts: Mapped[int]


async def _export_users(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """What directories say of the person, and the names of the groups they are in."""
    hidden = {"search", "user_name"}
    shown = [column for column in ScimUser.__table__.columns if column.key not in hidden]
    exported = []
    for row in (await session.execute(select(*shown).where(ScimUser.person_id == person_id))).mappings():
        names = select(ScimGroup.attributes["displayName"].astext).join(ScimGroupMember)
        groups = (await session.scalars(names.where(ScimGroupMember.scim_user_id == row["id"]))).all()
        exported.append({**row, "groups": sorted(groups)})
    return exported


personal_table(ScimUser, export=_export_users)
