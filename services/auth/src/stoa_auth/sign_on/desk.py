"""What the process opened for sign-on, in one hand."""

from dataclasses import dataclass
from uuid import UUID

from stoa_auth.mail.service import MailSealer
from stoa_auth.sign_on.models import Connection
from stoa_auth.sign_on.provider import Client, Providers
from stoa_auth.sign_on.sealing import ClientSecretSealer

PATH = "/api/v1/auth/sign-on"


@dataclass(frozen=True, slots=True)
class Desk:
    """Providers, what opens their secrets, and where browsers and apps are sent."""

    providers: Providers
    sealer: ClientSecretSealer
    mail: MailSealer
    public_url: str
    app_links: tuple[str, ...]

    def redirect_uri(self, connection_id: UUID) -> str:
        """One for each connection: a provider that sends a browser to another's client ends here (RFC 9700, 4.4.2)."""
        return f"{self.log_in_url(connection_id)}/callback"

    def log_in_url(self, connection_id: UUID) -> str:
        return f"{self.public_url}{PATH}/{connection_id}"

    def client(self, connection: Connection) -> Client:
        """Who we are at the connection's provider."""
        secret = self.sealer.open(connection.sealed_secret, connection_id=connection.id)
        return Client(connection.client_id, secret, self.redirect_uri(connection.id))
