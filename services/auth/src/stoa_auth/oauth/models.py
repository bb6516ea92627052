"""Tables of OAuth: clients, the codes they redeem, and what people allowed them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base, Session
from stoa_common.privacy import Rows, personal_table


class OAuthClient(Base):
    """A program that people let act for them, or that acts as itself. It belongs to an organization or the platform."""

    __tablename__ = "oauth_clients"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: None: the platform's own, for people of all organizations.
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organizations.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    #: Whether it can keep a secret: a server can, what runs at people's cannot.
    confidential: Mapped[bool]
    secret_hash: Mapped[bytes | None]
    #: The secret before the last rotation, for as long as it still counts.
    replaced_secret_hash: Mapped[bytes | None]
    replaced_secret_until: Mapped[datetime | None]
    redirect_uris: Mapped[list[str]] = mapped_column(ARRAY(Text))
    post_logout_redirect_uris: Mapped[list[str]] = mapped_column(ARRAY(Text))
    grants: Mapped[list[str]] = mapped_column(ARRAY(Text))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    id_token_algorithm: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class AuthorizationCode(Base):
    """A code by its SHA-256; it is good for one use, by one client, for a minute."""

    __tablename__ = "authorization_codes"

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("oauth_clients.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[UUID | None]
    #: Where the person was logged in as they allowed it; once that has ended, the code is worth nothing.
    browser_session_id: Mapped[UUID]
    redirect_uri: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    #: PKCE (RFC 7636), always S256.
    challenge: Mapped[str] = mapped_column(Text)
    nonce: Mapped[str | None] = mapped_column(Text)
    methods: Mapped[list[str]] = mapped_column(ARRAY(Text))
    authenticated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    #: What was opened by it, and ends when the code comes a second time.
    session_id: Mapped[UUID | None]


class Consent(Base):
    """What a person lets a client do for them, so that they are asked once."""

    __tablename__ = "oauth_consents"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    client_id: Mapped[UUID] = mapped_column(
        ForeignKey("oauth_clients.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    granted_at: Mapped[datetime]


async def _export_codes(session: Session, person_id: UUID) -> Rows:
    """Without what a code is opened by, were it only its hash: whoever steals an export shall not get these either."""
    told = [c for c in AuthorizationCode.__table__.c if c.name not in ("code_hash", "challenge", "nonce")]
    rows = await session.execute(select(*told).where(AuthorizationCode.person_id == person_id))
    return [dict(row._mapping) for row in rows]


personal_table(AuthorizationCode, export=_export_codes)
personal_table(Consent)
