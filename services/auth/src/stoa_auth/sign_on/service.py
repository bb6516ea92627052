"""Use cases of sign-on: send a browser to a provider, and make good use of what it brings back.

While a provider is asked no connection to the database is held: it may take its time.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.sessions import service as sessions
from stoa_auth.sessions.domain import FEDERATED, Grant, Opening
from stoa_auth.sessions.schemas import TokensOut
from stoa_auth.sessions.service import Tokens
from stoa_auth.sign_on import admission, binding, domain, refusals, ways
from stoa_auth.sign_on.binding import Binding
from stoa_auth.sign_on.desk import Desk
from stoa_auth.sign_on.domain import Told
from stoa_auth.sign_on.models import Connection, SignOnAttempt, SignOnCode
from stoa_auth.sign_on.provider import Metadata, Return
from stoa_auth.sign_on.repository import AttemptRepository, ConnectionRepository
from stoa_auth.sign_on.schemas import WayOut
from stoa_common import clock
from stoa_common.database import Database, Session
from stoa_common.errors import Refusal

__all__ = ["Callback", "Desk", "Journey", "begin", "finish", "list_ways_for_email", "trade"]


@dataclass(frozen=True, slots=True)
class Journey:
    """What is to happen after the provider: the browser goes on here, or an app does, or an identity is linked."""

    return_to: str | None = None
    app_link: str | None = None
    app_state: str | None = None
    app_challenge: str | None = None
    linking: UUID | None = None
    #: The provider shall ask for a proof, though it knows the person (step-up).
    afresh: bool = False


@dataclass(frozen=True, slots=True)
class Departure:
    url: str
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Callback:
    """What the provider sent the browser back with."""

    state: str = field(repr=False)
    code: str | None = field(repr=False)
    error: str | None
    issuer: str | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where the browser goes now, and the session that was opened for it, if one was."""

    location: str
    grant: Grant | None = None


async def list_ways_for_email(session: Session, email: str, *, desk: Desk) -> list[WayOut]:
    """How whoever has this address can log in by an organization's provider; the same whether they have an account."""
    return await ways.list_ways(session, domain.mail_domain(email), desk=desk)


async def begin(
    database: Database, connection_id: UUID, journey: Journey, *, desk: Desk, cookie: str | None
) -> Departure:
    """Send the browser to the provider.

    Raises ConnectionIsUnknown, ReturnIsRefused, ProviderIsAway, ProviderIsRefused.
    """
    domain.check_return(journey.return_to)
    if journey.app_link is not None:
        domain.check_app(journey.app_link, known=desk.app_links, challenge=journey.app_challenge)
    async with database.transaction() as session:
        connection = _known(await ways.find_open(session, connection_id))
    metadata = await desk.providers.describe(connection.issuer)
    bound, at = binding.begin(cookie), clock.now()
    async with database.transaction() as session:
        attempts = AttemptRepository(session)
        await attempts.forget_old(at=at)
        attempts.add(
            SignOnAttempt(
                state_hash=bound.state_hash,
                browser_hash=bound.browser_hash,
                connection_id=connection.id,
                return_to=journey.return_to,
                app_link=journey.app_link,
                app_state=journey.app_state,
                app_challenge=journey.app_challenge,
                person_id=journey.linking,
                expires_at=at + binding.LIFETIME,
            )
        )
    return Departure(_request(connection, metadata, bound, desk=desk, afresh=journey.afresh), bound.secret)


def _request(connection: Connection, metadata: Metadata, bound: Binding, *, desk: Desk, afresh: bool) -> str:
    """The authorization request (OpenID Connect Core 1.0, section 3.1.2.1; RFC 7636)."""
    asked = {
        "response_type": "code",
        "client_id": connection.client_id,
        "redirect_uri": desk.redirect_uri(connection.id),
        "scope": " ".join(connection.scopes),
        "state": bound.state,
        "nonce": bound.nonce,
        "code_challenge": binding.challenge(bound.verifier),
        "code_challenge_method": "S256",
    }
    if afresh:
        # The second makes it say when that was.
        asked |= {"prompt": "login", "max_age": "0"}
    endpoint = metadata.authorization_endpoint
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


async def finish(
    database: Database, connection_id: UUID, callback: Callback, *, desk: Desk, tokens: Tokens, cookie: str | None
) -> Arrival:
    """Log in, or link, whom the provider vouches for. A callback counts once, in the browser that began.

    Raises SignOnIsOver, and what `admission.admit`, `Providers.identify` and `sessions.open_session` raise; an app is
    told by its link instead.
    """
    bound = Binding(cookie or "", callback.state)
    async with database.transaction() as session:
        attempt = await AttemptRepository(session).take(
            bound.state_hash, bound.browser_hash, connection_id, at=clock.now()
        )
        connection = await ConnectionRepository(session).find_enabled(connection_id)
    if attempt is None:
        raise refusals.SignOnIsOver
    try:
        told = await _ask(_known(connection), callback, bound, desk=desk)
        return await _arrive(database, attempt, told, desk=desk, tokens=tokens)
    except Refusal as refusal:
        if connection is not None:
            await _note_refusal(database, connection, refusal)
        if attempt.app_link is None:
            raise
        return Arrival(domain.app_answer(attempt, error=refusal.slug()))


async def _ask(connection: Connection, callback: Callback, bound: Binding, *, desk: Desk) -> Told:
    """Who the provider says it is."""
    metadata = await desk.providers.describe(connection.issuer)
    domain.check_issuer_named(callback.issuer, issuer=connection.issuer, must=metadata.names_itself)
    if callback.error is not None or callback.code is None:
        raise refusals.ProviderSaidNo(callback.error or "nothing")
    back = Return(callback.code, bound.verifier, bound.nonce)
    wanted = [name for name in ("email", connection.roles_claim) if name]
    claims = await desk.providers.identify(connection.issuer, desk.client(connection), back, wanted=wanted)
    return domain.read_claims(claims, roles_claim=connection.roles_claim)


async def _arrive(database: Database, attempt: SignOnAttempt, told: Told, *, desk: Desk, tokens: Tokens) -> Arrival:
    async with database.transaction() as session:
        # Held: it may have been changed, switched off or deleted while the provider was asked.
        connection = _known(await ConnectionRepository(session).hold_enabled(attempt.connection_id))
        person_id = await admission.admit(session, connection, told, asker=attempt.person_id, sealer=desk.mail)
        if attempt.person_id is not None:
            return Arrival(attempt.return_to or domain.HOME)
        if attempt.app_link is not None:
            return Arrival(domain.app_answer(attempt, code=await _give_code(session, attempt, told, person_id)))
        grant = await sessions.open_session(
            session,
            person_id,
            _opening(told.methods, domain.authenticated_at(told, at=clock.now())),
            organization_id=connection.organization_id,
            tokens=tokens,
        )
    return Arrival(attempt.return_to or domain.HOME, grant)


def _opening(methods: Iterable[str], authenticated_at: datetime) -> Opening:
    return Opening(methods=(FEDERATED, *methods), authenticated_at=authenticated_at)


async def _give_code(session: Session, attempt: SignOnAttempt, told: Told, person_id: UUID) -> str:
    """A code for the app that began; only who has the verifier of its challenge can trade it."""
    code = secrets.token_urlsafe(32)
    kept = SignOnCode(
        code_hash=binding.digest(code),
        challenge=str(attempt.app_challenge),
        connection_id=attempt.connection_id,
        person_id=person_id,
        methods=list(told.methods),
        authenticated_at=domain.authenticated_at(told, at=clock.now()),
        expires_at=clock.now() + domain.CODE_LIFETIME,
    )
    AttemptRepository(session).add_code(kept)
    return code


async def trade(database: Database, code: str, verifier: str, *, tokens: Tokens) -> TokensOut:
    """Open the session that the code stands for. Raises CodeIsInvalid, PersonIsSuspended, NoSuchMembership."""
    async with database.transaction() as session:
        kept = await AttemptRepository(session).take_code(binding.digest(code), at=clock.now())
    # Used up first: whoever found a code and guesses at its verifier has one guess.
    if kept is None or not binding.fits(verifier, kept.challenge):
        raise refusals.CodeIsInvalid
    async with database.transaction() as session:
        connection = await ConnectionRepository(session).hold_enabled(kept.connection_id)
        if connection is None:
            raise refusals.CodeIsInvalid
        grant = await sessions.open_session(
            session,
            kept.person_id,
            _opening(kept.methods, kept.authenticated_at),
            organization_id=connection.organization_id,
            tokens=tokens,
        )
    return await tokens.answer(grant)


async def _note_refusal(database: Database, connection: Connection, refusal: Refusal) -> None:
    """For the organization's admins, who are the only ones to mend it; in a transaction of its own."""
    reason: Any = getattr(refusal, "reason", refusal.slug())
    async with database.transaction() as session:
        audit.note(
            session,
            "sign-on.refuse",
            actor=None,
            organization_id=connection.organization_id,
            target=connection.id,
            after={"reason": reason},
        )


def _known(connection: Connection | None) -> Connection:
    if connection is None:
        raise refusals.ConnectionIsUnknown
    return connection
