"""The auth service: people, organizations, sessions and keys."""

from stoa_auth.accounts.router import router as accounts
from stoa_auth.api_keys.router import router as api_keys
from stoa_auth.audit.consumers import router as auditing
from stoa_auth.audit.router import router as audit
from stoa_auth.credentials.router import router as credentials
from stoa_auth.dependencies import open_resources
from stoa_auth.keys.router import operators as signing_keys
from stoa_auth.keys.router import router as keys
from stoa_auth.mail import sender
from stoa_auth.organizations.router import router as organizations
from stoa_auth.revocations.router import router as revocations
from stoa_auth.sessions.router import router as sessions
from stoa_auth.settings import Settings
from stoa_common.service import Service

service = Service(
    name="auth",
    settings=Settings,
    routers=[accounts, credentials, sessions, revocations, organizations, keys, signing_keys, api_keys, audit],
    consumers=[auditing],
    background=[sender.run],
    resources=open_resources,
)


def main() -> None:
    service.run()
