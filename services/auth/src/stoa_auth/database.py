"""The service's tables: importing this module knows them all."""

from stoa_auth.api_keys.models import ApiKey, ApiKeySecret
from stoa_auth.attempts.models import LogInAttempts
from stoa_auth.audit.models import AuditRecord
from stoa_auth.erasures.models import Erasure, ErasureCompletion
from stoa_auth.factors.models import Authenticator, Factor, RecoveryCode
from stoa_auth.keys.models import SigningKey
from stoa_auth.mail.models import Mail, MailToken
from stoa_auth.oauth.models import AuthorizationCode, Consent, OAuthClient
from stoa_auth.organizations.models import Invitation, Membership, Organization, OrganizationRole
from stoa_auth.origins.models import OrganizationOrigins
from stoa_auth.passkeys.models import Passkey, PasskeyChallenge
from stoa_auth.people.models import Person
from stoa_auth.portability.models import PersonExport, PersonExportPart
from stoa_auth.revocations.models import Revocation, RevocationCounter
from stoa_auth.scim.models import ScimGroup, ScimGroupMember, ScimHour, ScimUser
from stoa_auth.sessions.models import BrowserCookie, LogInChallenge, LoginSession, RefreshToken
from stoa_auth.sign_on.models import Connection, Identity, ProvedDomain, SignOnAttempt, SignOnCode

__all__ = [
    "ApiKey",
    "ApiKeySecret",
    "AuditRecord",
    "Authenticator",
    "AuthorizationCode",
    "BrowserCookie",
    "Connection",
    "Consent",
    "Erasure",
    "ErasureCompletion",
    "Factor",
    "Identity",
    "Invitation",
    "LogInAttempts",
    "LogInChallenge",
    "LoginSession",
    "Mail",
    "MailToken",
    "Membership",
    "OAuthClient",
    "Organization",
    "OrganizationOrigins",
    "OrganizationRole",
    "Passkey",
    "PasskeyChallenge",
    "Person",
    "PersonExport",
    "PersonExportPart",
    "ProvedDomain",
    "RecoveryCode",
    "RefreshToken",
    "Revocation",
    "RevocationCounter",
    "ScimGroup",
    "ScimGroupMember",
    "ScimHour",
    "ScimUser",
    "SignOnAttempt",
    "SignOnCode",
    "SigningKey",
]
