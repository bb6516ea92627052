"""A client asks for somebody's consent: who is it, have they allowed it before, and where does the browser go then."""

import secrets
from dataclasses import dataclass
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.browsers.service import BrowserSession
from stoa_auth.oauth import codes, requests
from stoa_auth.oauth.models import Consent, OAuthClient
from stoa_auth.oauth.refusals import ConsentIsNeeded, LogInIsNeeded, OAuthRefusal, PersonSaidNo
from stoa_auth.oauth.repository import ClientRepository, CodeRepository, ConsentRepository
from stoa_auth.oauth.requests import Pairs, Target, Wanted
from stoa_auth.organizations import service as organizations
from stoa_auth.people import service as people
from stoa_auth.sessions.domain import FEDERATED
from stoa_common import clock
from stoa_common.database import Session


@dataclass(frozen=True, slots=True)
class SendTo:
    """The browser goes back to the client, with a code or with what was refused."""

    url: str


@dataclass(frozen=True, slots=True)
class LogInFirst:
    """The person has to log in, and comes back with this query."""

    query: str


@dataclass(frozen=True, slots=True)
class AskPerson:
    """The person has to say whether they allow this."""

    wanted: Wanted
    account: str


Step = SendTo | LogInFirst | AskPerson


async def begin(session: Session, pairs: Pairs, browser: BrowserSession | None, *, issuer: str) -> Step:
    """The next step of an authorization request. Raises RedirectIsNotTrusted: then nobody is sent anywhere."""
    target = await _target(session, pairs)
    try:
        return await _next(session, pairs, target, browser, issuer=issuer)
    except OAuthRefusal as refused:
        return SendTo(requests.refusal(target, issuer, refused))


async def decide(session: Session, pairs: Pairs, browser: BrowserSession | None, *, allows: bool, issuer: str) -> Step:
    """What the person said, to the same request, which is checked anew. Raises RedirectIsNotTrusted."""
    target = await _target(session, pairs)
    try:
        wanted = requests.wanted(pairs, target)
        if browser is None or _must_log_in(wanted, browser):
            return LogInFirst(requests.after_log_in(pairs, at=clock.now()))
        if not allows:
            raise PersonSaidNo("The person did not allow it.")
        return SendTo(await _allow(session, wanted, browser, issuer=issuer))
    except OAuthRefusal as refused:
        return SendTo(requests.refusal(target, issuer, refused))


async def _target(session: Session, pairs: Pairs) -> Target:
    return requests.target(pairs, await ClientRepository(session).hold(requests.client_id(pairs)))


async def _next(session: Session, pairs: Pairs, target: Target, browser: BrowserSession | None, *, issuer: str) -> Step:
    wanted = requests.wanted(pairs, target)
    if browser is None or _must_log_in(wanted, browser):
        if wanted.is_silent:
            raise LogInIsNeeded("Nobody is logged in, or not lately enough.")
        return LogInFirst(requests.after_log_in(pairs, at=clock.now()))
    person = await people.hold_person(session, browser.person_id)
    organization_id = await _organization(session, target.client, browser)
    known = await ConsentRepository(session).find(person.id, target.client.id)
    if known is not None and requests.needs_no_question(wanted, known.scopes):
        return SendTo(await _code(session, wanted, browser, organization_id=organization_id, issuer=issuer))
    if wanted.is_silent:
        raise ConsentIsNeeded("The person has not allowed this yet.")
    return AskPerson(wanted, account=person.name or person.email)


def _must_log_in(wanted: Wanted, browser: BrowserSession) -> bool:
    return requests.must_log_in(wanted, authenticated_at=browser.authenticated_at, at=clock.now())


async def _organization(session: Session, client: OAuthClient, browser: BrowserSession) -> UUID | None:
    """Whom the person acts for through the client: the client's organization, or for one of the platform, theirs."""
    if client.organization_id is None:
        return browser.organization_id
    if FEDERATED in browser.methods and client.organization_id != browser.organization_id:
        raise PersonSaidNo("The person's log-in by an organization's provider is good for that organization alone.")
    if await organizations.find_membership(session, client.organization_id, person_id=browser.person_id) is None:
        raise PersonSaidNo("The person does not belong to the organization of this client.")
    return client.organization_id


async def _allow(session: Session, wanted: Wanted, browser: BrowserSession, *, issuer: str) -> str:
    """Remember what was allowed, beside what was before, and give a code."""
    person = await people.hold_person(session, browser.person_id)
    client = wanted.target.client
    organization_id = await _organization(session, client, browser)
    repository, at = ConsentRepository(session), clock.now()
    known = await repository.find(person.id, client.id)
    if known is None:
        known = Consent(person_id=person.id, client_id=client.id, scopes=wanted.scopes, granted_at=at)
        repository.add(known)
    else:
        known.scopes = list(dict.fromkeys([*known.scopes, *wanted.scopes]))
        known.granted_at = at
    audit.note(session, "consent.grant", actor=person.id, target=client.id, after={"scopes": known.scopes})
    return await _code(session, wanted, browser, organization_id=organization_id, issuer=issuer)


async def _code(
    session: Session, wanted: Wanted, browser: BrowserSession, *, organization_id: UUID | None, issuer: str
) -> str:
    """The redirect URI with a code; only its hash is kept."""
    text, at = secrets.token_urlsafe(32), clock.now()
    repository = CodeRepository(session)
    await repository.forget_expired(browser.person_id, before=at - codes.KEPT)
    code = codes.new_code(
        text,
        client_id=wanted.target.client.id,
        person_id=browser.person_id,
        organization_id=organization_id,
        browser_session_id=browser.session_id,
        redirect_uri=wanted.target.redirect_uri,
        scopes=wanted.scopes,
        challenge=wanted.challenge,
        nonce=wanted.nonce,
        methods=browser.methods,
        authenticated_at=browser.authenticated_at,
        at=at,
    )
    repository.add(code)
    return requests.answer(wanted.target, issuer, code=text)
