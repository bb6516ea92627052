"""The auth service: people, organizations, sessions and keys."""

from stoa_auth.accounts.router import router as accounts
from stoa_auth.administration.router import router as administration
from stoa_auth.api_keys.consumers import router as ending_keys
from stoa_auth.api_keys.router import router as api_keys
from stoa_auth.audit.consumers import router as auditing
from stoa_auth.audit.router import router as audit
from stoa_auth.browsers.router import router as browsers
from stoa_auth.credentials.router import router as credentials
from stoa_auth.dependencies import open_resources
from stoa_auth.erasures import watch as erasure_watch
from stoa_auth.erasures.consumers import router as erasing
from stoa_auth.erasures.router import router as erasures
from stoa_auth.factors.router import router as factors
from stoa_auth.keys.router import operators as signing_keys
from stoa_auth.keys.router import router as keys
from stoa_auth.mail import sender
from stoa_auth.oauth.endpoints import router as oauth
from stoa_auth.oauth.endpoints import well_known
from stoa_auth.oauth.front import posted as oauth_posted
from stoa_auth.oauth.front import router as oauth_pages
from stoa_auth.oauth.router import router as clients
from stoa_auth.organizations.invitations_router import router as invitations
from stoa_auth.organizations.roles_router import router as roles
from stoa_auth.organizations.router import router as organizations
from stoa_auth.origins.router import internal as origins_for_the_gateway
from stoa_auth.origins.router import router as allowed_origins
from stoa_auth.pages.account_router import router as account_pages
from stoa_auth.pages.account_router import scripts as account_scripts
from stoa_auth.pages.router import router as pages
from stoa_auth.pages.router import scripts as page_scripts
from stoa_auth.passkeys.router import router as passkeys
from stoa_auth.portability import keeper as export_keeper
from stoa_auth.portability.router import router as exports
from stoa_auth.portability.tasks import tasks
from stoa_auth.rendering.router import router as static_files
from stoa_auth.revocations.router import router as revocations
from stoa_auth.scim.discovery_router import router as scim_discovery
from stoa_auth.scim.router import router as scim
from stoa_auth.sessions.router import router as sessions
from stoa_auth.settings import Settings
from stoa_auth.sign_on.connections_router import domains as sign_on_domains
from stoa_auth.sign_on.connections_router import policies as sign_on_policies
from stoa_auth.sign_on.connections_router import router as sign_on_connections
from stoa_auth.sign_on.router import own as sign_on_identities
from stoa_auth.sign_on.router import pages as sign_on_pages
from stoa_auth.sign_on.router import router as sign_on
from stoa_common.service import Service

service = Service(
    name="auth",
    settings=Settings,
    routers=[
        accounts,
        administration,
        credentials,
        sessions,
        factors,
        passkeys,
        revocations,
        organizations,
        roles,
        invitations,
        allowed_origins,
        origins_for_the_gateway,
        keys,
        signing_keys,
        api_keys,
        clients,
        oauth,
        oauth_pages,
        oauth_posted,
        browsers,
        sign_on,
        sign_on_pages,
        sign_on_identities,
        sign_on_connections,
        sign_on_policies,
        sign_on_domains,
        scim_discovery,
        scim,
        pages,
        page_scripts,
        account_pages,
        account_scripts,
        static_files,
        well_known,
        audit,
        exports,
        erasures,
    ],
    consumers=[auditing, ending_keys, erasing],
    tasks=tasks,
    background=[sender.run, erasure_watch.run, export_keeper.run],
    resources=open_resources,
)


def main() -> None:
    service.run()
