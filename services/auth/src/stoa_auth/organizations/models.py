"""Tables of organizations."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Text, column, delete, func, select, table, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base, Session
from stoa_common.privacy import personal_table


class Organization(Base):
    """A tenant: what its members see, nobody else does."""

    __tablename__ = "organizations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    #: Since when nobody acts for it.
    suspended_at: Mapped[datetime | None]
    #: Whether only who signed on by its provider acts for it, but for its owners.
    requires_sign_on: Mapped[bool] = mapped_column(default=False)


class Membership(Base):
    """A person in an organization, with roles there."""

    __tablename__ = "memberships"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True, index=True)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    joined_at: Mapped[datetime]
    #: Since when the person does not act for it, and keeps their place.
    suspended_at: Mapped[datetime | None]


class OrganizationRole(Base):
    """A role of the organization's own, beside those that every organization has. Its name never changes."""

    __tablename__ = "organization_roles"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    description: Mapped[str] = mapped_column(Text)
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class Invitation(Base):
    """Lets a number of people join an organization; only the token's SHA-256 is kept."""

    __tablename__ = "invitations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    max_uses: Mapped[int]
    uses: Mapped[int]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    #: Whose it is: the token was mailed there, and nobody else joins by it. None: whoever has the token.
    email: Mapped[str | None] = mapped_column(Text)


async def _export_invitations(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """What the person invited to. Not whom: an address in it is somebody else's."""
    hidden = {"token_hash", "email"}
    shown = [column for column in Invitation.__table__.columns if column.key not in hidden]
    rows = await session.execute(select(*shown).where(Invitation.created_by == person_id))
    return [dict(row) for row in rows.mappings()]


async def _erase_invitations(session: Session, person_id: UUID) -> None:
    """Those that the person made; and of those that were mailed to them, to where."""
    await session.execute(delete(Invitation).where(Invitation.created_by == person_id))
    address = select(column("email")).select_from(table("people")).where(column("id") == person_id).scalar_subquery()
    await session.execute(
        update(Invitation).where(Invitation.email == address).values(email=None, expires_at=func.now())
    )


personal_table(Membership)
personal_table(Invitation, person="created_by", export=_export_invitations, erase=_erase_invitations)
