"""Tables of sign-on."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Text, UniqueConstraint, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base, Session
from stoa_common.privacy import personal_table


class Connection(Base):
    """An organization's OpenID provider, and what it may decide. Another issuer is another connection."""

    __tablename__ = "sign_on_connections"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    issuer: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str] = mapped_column(Text)
    sealed_secret: Mapped[bytes]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    default_roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    #: Where the provider says what somebody is, and which role each of its values means.
    roles_claim: Mapped[str | None] = mapped_column(Text)
    role_mapping: Mapped[dict[str, str]] = mapped_column(JSONB)
    #: Whether who is no member becomes one by signing on.
    admits_newcomers: Mapped[bool]
    is_enabled: Mapped[bool]
    created_at: Mapped[datetime]


class ProvedDomain(Base):
    """A domain of mail addresses that belongs to an organization: an operator has seen the proof."""

    __tablename__ = "sign_on_domains"

    domain: Mapped[str] = mapped_column(Text, primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    proved_at: Mapped[datetime]


class Identity(Base):
    """Who somebody is at a provider: its `sub` means nothing beside its connection."""

    __tablename__ = "sign_on_identities"
    __table_args__ = (UniqueConstraint("connection_id", "provider_subject"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("sign_on_connections.id", ondelete="CASCADE"))
    provider_subject: Mapped[str] = mapped_column(Text)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    linked_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class SignOnAttempt(Base):
    """A browser is on its way to a provider and back; good for one return, and some minutes.

    Nothing here helps who reads it: state and browser are hashes, nonce and PKCE's verifier follow from the cookie.
    """

    __tablename__ = "sign_on_attempts"

    state_hash: Mapped[bytes] = mapped_column(primary_key=True)
    browser_hash: Mapped[bytes]
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("sign_on_connections.id", ondelete="CASCADE"), index=True)
    #: Where the browser goes afterwards: a path of ours, or an app's link with what the app wants to see again.
    return_to: Mapped[str | None] = mapped_column(Text)
    app_link: Mapped[str | None] = mapped_column(Text)
    app_state: Mapped[str | None] = mapped_column(Text)
    app_challenge: Mapped[str | None] = mapped_column(Text)
    #: Who is logged in and wants the identity linked with their account; None: a log-in.
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SignOnCode(Base):
    """What an app trades for tokens, once and within a minute; only its SHA-256 is kept."""

    __tablename__ = "sign_on_codes"

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    challenge: Mapped[str] = mapped_column(Text)
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("sign_on_connections.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    methods: Mapped[list[str]] = mapped_column(ARRAY(Text))
    authenticated_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


async def _export_attempts(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """What the person is linking, without the hashes of what proves that it is their browser."""
    shown = (SignOnAttempt.connection_id, SignOnAttempt.return_to, SignOnAttempt.expires_at)
    rows = await session.execute(select(*shown).where(SignOnAttempt.person_id == person_id))
    return [dict(row) for row in rows.mappings()]


async def _export_codes(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """Which apps are about to get tokens, without what opens these."""
    shown = (SignOnCode.connection_id, SignOnCode.methods, SignOnCode.expires_at)
    rows = await session.execute(select(*shown).where(SignOnCode.person_id == person_id))
    return [dict(row) for row in rows.mappings()]


personal_table(Identity)
personal_table(SignOnAttempt, export=_export_attempts)
personal_table(SignOnCode, export=_export_codes)
