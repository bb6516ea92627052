"""Everything that auth can be told from outside."""

from email.utils import parseaddr
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from stoa_auth.mail.provider import mail_server
from stoa_common.settings import ServiceSettings


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
        None, description="The page of an app that takes a mail's code; without it the mail shows the code itself."
    )
    inviting_needs_verified_email: bool = Field(True, description="Only who has shown their address invites others.")

    log_in_free_failures: int = Field(10, ge=1, description="Of one network at one account; then it waits.")
    log_in_longest_wait_seconds: int = Field(900, ge=0, le=3600)
    log_in_network_free_failures: int = Field(100, ge=1, description="Of one network at all accounts together.")
    log_in_network_longest_wait_seconds: int = Field(60, ge=0, le=3600)

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
