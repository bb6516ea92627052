"""Mail servers behind our words: SMTP (RFC 5321) by URL."""

import ssl
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

TIMEOUT_SECONDS: Final = 15.0
_PORTS: Final = {"smtp": 587, "smtps": 465}
_PERMANENT: Final = range(500, 600)


class MailWasRefused(Exception):
    """The mail server did not take the mail; `is_final` where it would not take it later either."""

    def __init__(self, problem: str, *, is_final: bool) -> None:
        super().__init__(problem)
        self.problem = problem
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class MailServer:
    """`smtps://` is TLS from the first byte; `smtp://` turns to TLS where the server offers it, and always before a
    password is sent."""

    host: str
    port: int
    is_tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    async def send(self, message: bytes, *, sender: str, to: str) -> None:
        """Hand a mail over. Raises MailWasRefused, which names neither its address nor its words."""
        try:
            await aiosmtplib.send(
                message,
                sender=sender,
                recipients=[to],
                # An address beyond ASCII needs a server that speaks RFC 6531.
                mail_options=[] if to.isascii() else ["SMTPUTF8"],
                hostname=self.host,
                port=self.port,
                username=self.user,
                password=self.password,
                use_tls=self.is_tls,
                start_tls=None if self.is_tls or self.password is None else True,
                timeout=TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as refusal:
            codes = [each.code for each in refusal.recipients]
            raise MailWasRefused(f"recipient refused: {codes}", is_final=all(c in _PERMANENT for c in codes)) from None
        except aiosmtplib.SMTPResponseException as refusal:
            # A wrong password or sender is mended in the settings: only what is said of this mail is for ever.
            is_final = isinstance(refusal, aiosmtplib.SMTPDataError) and refusal.code in _PERMANENT
            raise MailWasRefused(f"{type(refusal).__name__} {refusal.code}", is_final=is_final) from None
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as failure:
            raise MailWasRefused(type(failure).__name__, is_final=False) from None


def mail_server(url: str) -> MailServer:
    """The server that a URL names: `smtp[s]://[user:password@]host[:port]`. Raises ValueError without it."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise ValueError("Write smtp://host:port or smtps://user:password@host:port.")
    return MailServer(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        is_tls=parts.scheme == "smtps",
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )
