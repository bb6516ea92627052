"""The service's tables: importing this module knows them all."""

from stoa_auth.keys.models import SigningKey
from stoa_auth.organizations.models import Invitation, Membership, Organization
from stoa_auth.people.models import Person
from stoa_auth.sessions.models import LoginSession, RefreshToken

__all__ = ["Invitation", "LoginSession", "Membership", "Organization", "Person", "RefreshToken", "SigningKey"]
