"""The auth service: people, organizations, sessions and keys."""

from stoa_auth.accounts.router import router as accounts
from stoa_auth.dependencies import open_resources
from stoa_auth.keys.router import router as keys
from stoa_auth.organizations.router import router as organizations
from stoa_auth.sessions.router import router as sessions
from stoa_auth.settings import Settings
from stoa_common.service import Service

service = Service(
    name="auth",
    settings=Settings,
    routers=[accounts, sessions, organizations, keys],
    resources=open_resources,
)


def main() -> None:
    service.run()
