"""The service's tables: importing this module knows them all."""

from stoa_auth.api_keys.models import ApiKey, ApiKeySecret
from stoa_auth.attempts.models import LogInAttempts
from stoa_auth.audit.models import AuditRecord
from stoa_auth.keys.models import SigningKey
from stoa_auth.mail.models import Mail, MailToken
from stoa_auth.organizations.models import Invitation, Membership, Organization
from stoa_auth.people.models import Person
from stoa_auth.revocations.models import Revocation, RevocationCounter
from stoa_auth.sessions.models import LoginSession, RefreshToken

__all__ = [
    "ApiKey",
    "ApiKeySecret",
    "AuditRecord",
    "Invitation",
    "LogInAttempts",
    "LoginSession",
    "Mail",
    "MailToken",
    "Membership",
    "Organization",
    "Person",
    "RefreshToken",
    "Revocation",
    "RevocationCounter",
    "SigningKey",
]
