"""What the process opens once at start, for routes to ask for by its class."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from stoa_auth.accounts import service as accounts
from stoa_auth.accounts.passwords import Passwords
from stoa_auth.attempts.service import Limits
from stoa_auth.browsers.service import Browsers
from stoa_auth.factors.service import FactorSealer, Guard
from stoa_auth.keys.service import KeyRing
from stoa_auth.mail.provider import mail_server
from stoa_auth.mail.sealing import MailSealer
from stoa_auth.mail.writing import Mailing
from stoa_auth.oauth.exchange import ServiceCredentials
from stoa_auth.passkeys.service import RelyingParty
from stoa_auth.portability.provider import Parts
from stoa_auth.portability.sealing import PartSealer
from stoa_auth.revocations.publisher import Publisher
from stoa_auth.sessions.service import Tokens
from stoa_auth.settings import CALLING_SERVICES, Settings
from stoa_auth.sign_on.desk import Desk
from stoa_auth.sign_on.provider import Providers
from stoa_auth.sign_on.sealing import ClientSecretSealer
from stoa_common.browser_cookies import Origins
from stoa_common.database import Database
from stoa_common.outgoing.client import OutgoingClient
from stoa_common.revocation_log import RedisLog, open_redis
from stoa_events.contracts.operations import SERVICES

#: People wait for their provider in front of a browser.
SIGN_ON_TIMEOUT_SECONDS = 10.0


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Sequence[object]]:
    """Password hashing and keys; makes the first key and the operator where there are none."""
    database = _open_database(settings)
    passwords = new_passwords(settings)
    desk = new_desk(settings)
    try:
        keys = KeyRing(database, secret=settings.keys_secret.get_secret_value())
        await keys.public_keys()
        await _make_operator(database, settings, passwords)
        async with _published(settings):
            yield [
                passwords,
                keys,
                new_tokens(settings, keys),
                new_limits(settings),
                *new_mail(settings),
                *new_exports(settings, keys),
                new_guard(settings),
                new_relying_party(settings),
                new_browsers(settings),
                new_service_credentials(settings),
                desk,
            ]
    finally:
        passwords.close()
        await desk.providers.close()
        await database.close()


def _open_database(settings: Settings) -> Database:
    """Keys are read beside requests, so by a connection of their own: requests may hold all of the others."""
    if settings.database_url is None:
        raise SystemExit("Set AUTH_DATABASE_URL: the auth service keeps its data in PostgreSQL.")
    return Database(settings.database_url.get_secret_value(), pool_size=1, application_name="auth-keys")


@asynccontextmanager
async def _published(settings: Settings) -> AsyncIterator[None]:
    """Revocations reach Redis while this is open, by connections of their own: they must not wait for requests."""
    assert settings.database_url is not None
    database = Database(
        settings.database_url.get_secret_value(), pool_size=1, application_name="auth-revocations", asks_first=False
    )
    redis = open_redis(settings.redis_url.get_secret_value())
    publishing = asyncio.create_task(Publisher(database, RedisLog(redis, prefix=settings.kafka_topic_prefix)).run())
    try:
        yield
    finally:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        await redis.aclose()
        await database.close()


def new_passwords(settings: Settings) -> Passwords:
    return Passwords(
        memory_kib=settings.argon2_memory_kib,
        iterations=settings.argon2_iterations,
        parallelism=settings.argon2_parallelism,
        workers=settings.argon2_workers,
        queue=settings.argon2_queue,
        least_score=settings.password_least_score,
    )


def new_limits(settings: Settings) -> Limits:
    return Limits(
        free=settings.log_in_free_failures,
        longest=timedelta(seconds=settings.log_in_longest_wait_seconds),
        network_free=settings.log_in_network_free_failures,
        network_longest=timedelta(seconds=settings.log_in_network_longest_wait_seconds),
        secret=settings.keys_secret.get_secret_value(),
    )


def new_mail(settings: Settings) -> tuple[MailSealer, Mailing]:
    sealer = MailSealer(settings.keys_secret.get_secret_value())
    url = settings.smtp_url
    server = mail_server(url.get_secret_value()) if url else None
    return sealer, Mailing(sealer=sealer, server=server, sender=settings.mail_from, link=settings.mails_lead_to)


def new_exports(settings: Settings, keys: KeyRing) -> tuple[PartSealer, Parts]:
    urls = {name: getattr(settings, f"{name}_url") for name in SERVICES if name != "auth"}
    sealer = PartSealer(settings.keys_secret.get_secret_value())
    return sealer, Parts(urls, keys=keys, issuer=settings.issuer)


def new_desk(settings: Settings) -> Desk:
    allow_http = settings.sign_on_allow_http
    client = OutgoingClient(
        user_agent="Stoa-Sign-On/1",
        timeout_seconds=SIGN_ON_TIMEOUT_SECONDS,
        allow_http=allow_http,
        allowed=settings.sign_on_allowed_networks,
    )
    secret = settings.keys_secret.get_secret_value()
    return Desk(
        providers=Providers(client, allow_http=allow_http),
        sealer=ClientSecretSealer(secret),
        mail=MailSealer(secret),
        public_url=settings.told_url or settings.issuer,
        app_links=settings.sign_on_app_links,
    )


def new_tokens(settings: Settings, keys: KeyRing) -> Tokens:
    return Tokens(
        keys=keys,
        issuer=settings.issuer,
        access_ttl=timedelta(seconds=settings.access_token_ttl_seconds),
        refresh_ttl=timedelta(seconds=settings.refresh_token_ttl_seconds),
        federated_ttl=timedelta(hours=settings.sign_on_session_hours),
    )


def new_guard(settings: Settings) -> Guard:
    secret = settings.keys_secret.get_secret_value()
    return Guard(FactorSealer(secret), new_limits(settings), MailSealer(secret), issuer=settings.webauthn_name)


def new_relying_party(settings: Settings) -> RelyingParty:
    return RelyingParty(id=settings.passkey_domain, name=settings.webauthn_name, origins=settings.passkey_origins)


def new_browsers(settings: Settings) -> Browsers:
    return Browsers(
        idle=timedelta(seconds=settings.browser_idle_seconds),
        longest=timedelta(seconds=settings.browser_longest_seconds),
        origins=Origins(own=settings.told_url),
    )


def new_service_credentials(settings: Settings) -> ServiceCredentials:
    given = {name: getattr(settings, f"{name}_client_secret") for name in CALLING_SERVICES}
    return ServiceCredentials({name: secret.get_secret_value() for name, secret in given.items() if secret})


async def _make_operator(database: Database, settings: Settings, passwords: Passwords) -> None:
    email, password = settings.operator_email, settings.operator_password
    if email and password:
        await accounts.make_operator(database, email, password.get_secret_value(), passwords=passwords)
