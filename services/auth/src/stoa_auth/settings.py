"""Everything that auth can be told from outside."""

from email.utils import parseaddr
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from stoa_auth.mail.provider import mail_server
from stoa_common.outgoing.addresses import Networks
from stoa_common.settings import PublicUrl, ServiceSettings, shared

#: Services that may ask for tokens of those they work for.
CALLING_SERVICES = ("content", "ai", "analytics", "feed")


def _mail_url(url: SecretStr) -> SecretStr:
    mail_server(url.get_secret_value())
    return url


def _link(template: str) -> str:
    if not template.startswith(("https://", "http://")) or "{token}" not in template:
        raise ValueError("Write a link such as https://app.example.com/{action}#token={token}.")
    try:
        template.format(action="", token="")
    except (KeyError, IndexError, ValueError):
        raise ValueError("Only {action} and {token} may stand in braces.") from None
    return template


def _by_name(url: str) -> str:
    """The same place by its name: this machine is `localhost`."""
    return url.replace("//127.0.0.1", "//localhost", 1)


def _app_links(listed: object) -> object:
    """Links as they stand in the environment: separated by commas or spaces."""
    return tuple(listed.replace(",", " ").split()) if isinstance(listed, str) else listed


class Settings(ServiceSettings, service="auth"):
    """Settings of auth, from `AUTH_<FIELD>`.

    The Argon2id defaults are OWASP's (Password Storage Cheat Sheet: 19 MiB, two iterations, one lane). A hash tells its
    own parameters, so raising these leaves old passwords valid.
    """

    keys_secret: SecretStr = Field(min_length=32, description="Seals the signing keys that the database keeps.")
    access_token_ttl_seconds: int = Field(600, ge=60, le=900)
    refresh_token_ttl_seconds: int = Field(30 * 24 * 3600, ge=3600)

    argon2_memory_kib: int = Field(19_456, ge=8)
    argon2_iterations: int = Field(2, ge=1)
    argon2_parallelism: int = Field(1, ge=1)
    argon2_workers: int = Field(2, ge=1, description="Hashes at once: a core and the memory above each.")
    argon2_queue: int = Field(256, ge=0, description="Hashes that may wait; more are refused with 503 and Retry-After.")

    password_least_score: int = Field(3, ge=0, le=4, description="zxcvbn's; a new password below it is refused.")

    smtp_url: Annotated[SecretStr, AfterValidator(_mail_url)] | None = Field(
        None, description="Where mail goes out; without it mail is kept and shown by `stoa mail`."
    )
    mail_from: str = Field("", validate_default=True, description="In whose name mail is sent.")
    mail_link: Annotated[str, AfterValidator(_link)] | None = Field(
        None, description="The page that takes a mail's code: with a public URL auth's own; without, the mail shows it."
    )
    inviting_needs_verified_email: bool = Field(True, description="Only who has shown their address invites others.")
    scim_accounts_an_hour: int = Field(2000, ge=1, description="That one organization's directory makes; then 429.")

    browser_idle_seconds: int = Field(24 * 3600, ge=300, description="A browser that asks nothing for this long.")
    browser_longest_seconds: int = Field(14 * 24 * 3600, ge=3600, description="After this it logs in again anyway.")

    log_in_free_failures: int = Field(10, ge=1, description="Of one network at one account; then it waits.")
    log_in_longest_wait_seconds: int = Field(900, ge=0, le=3600)
    log_in_network_free_failures: int = Field(100, ge=1, description="Of one network at all accounts together.")
    log_in_network_longest_wait_seconds: int = Field(60, ge=0, le=3600)

    public_url: PublicUrl = shared(
        "STOA_PUBLIC_URL", "http://127.0.0.1:8000", description="Where browsers reach the gateway."
    )

    webauthn_name: str = Field("Stoa", min_length=1, max_length=64, description="As apps and passkeys list accounts.")
    webauthn_rp_id: str | None = Field(
        None, pattern=r"^[a-z0-9.-]+$", description="The domain that passkeys are for; the public URL's without it."
    )
    webauthn_origins: Annotated[tuple[str, ...], BeforeValidator(_app_links)] = Field(
        (), description="Where passkeys may be asked for: apps' origins beside the public URL's."
    )

    sign_on_allow_http: bool = Field(False, description="OpenID providers without TLS: for development alone.")
    sign_on_allowed_networks: Networks = Field(
        (), description="Networks where OpenID providers may be although they are not public."
    )
    sign_on_app_links: Annotated[tuple[str, ...], BeforeValidator(_app_links)] = Field(
        (), description="Where a sign-on may return to an app, which then trades a code: exactly these."
    )
    sign_on_session_hours: int = Field(24, ge=1, le=720, description="Then the organization's provider is asked again.")

    content_url: str = shared("CONTENT_URL", "http://127.0.0.1:8002", description="Asked for parts of exports.")
    ai_url: str = shared("AI_URL", "http://127.0.0.1:8003")
    analytics_url: str = shared("ANALYTICS_URL", "http://127.0.0.1:8004")
    feed_url: str = shared("FEED_URL", "http://127.0.0.1:8005")
    erasure_late_after_seconds: int = Field(3600, ge=60, description="A service that has not answered by then is late.")

    content_client_secret: SecretStr | None = Field(
        None, min_length=32, description="By which a service shows that it is it, to call others for its caller."
    )
    ai_client_secret: SecretStr | None = Field(None, min_length=32)
    analytics_client_secret: SecretStr | None = Field(None, min_length=32)
    feed_client_secret: SecretStr | None = Field(None, min_length=32)

    operator_email: str | None = Field(None, description="With the password: makes the operator, where there is none.")
    operator_password: SecretStr | None = None

    @field_validator("mail_from")
    @classmethod
    def _names_a_sender(cls, sender: str, info: ValidationInfo) -> str:
        if "@" in parseaddr(sender)[1] and sender.isprintable():
            return sender
        if sender or info.data.get("smtp_url"):
            raise ValueError("With a mail server, give the address that it may send from: Name <name@example.com>.")
        return "Stoa <no-reply@stoa.invalid>"

    @property
    def told_url(self) -> str:
        """The public URL where somebody gave one; "" where it is a guess that fits this machine alone."""
        return self.public_url if "public_url" in self.model_fields_set else ""

    @property
    def passkey_domain(self) -> str:
        """What passkeys are bound to (WebAuthn's RP ID): browsers take a domain, and no address of a network."""
        return self.webauthn_rp_id or urlsplit(_by_name(self.public_url)).hostname or "localhost"

    @property
    def passkey_origins(self) -> tuple[str, ...]:
        """The pages that may ask for passkeys."""
        own = (_by_name(self.public_url),) if self.public_url else ()
        return tuple(dict.fromkeys((*own, *self.webauthn_origins)))

    @property
    def mails_lead_to(self) -> str | None:
        """The link of mails, with `{action}` and `{token}`; None where there is no page to lead to.

        The code stands behind the `#`: browsers send that to nobody, so no log and no trace has it.
        """
        own = f"{self.told_url}/api/v1/auth/pages/{{action}}#token={{token}}" if self.told_url else None
        return self.mail_link or own
