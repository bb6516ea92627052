"""Events of people and API keys; those of organizations are in `organizations`."""

from typing import Any, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from stoa_events.contract import Event
from stoa_events.contracts import story
from stoa_events.personal import Personal


class UserEvent(Event):
    """A person; belongs to no organization, so it enters no organization's feed."""

    topic: ClassVar[str] = "auth.user"
    subject_field: ClassVar[str] = "person_id"

    person_id: UUID = Field(description="The person.")


class UserRegistered(UserEvent):
    """A person has an account and may log in."""

    type: ClassVar[str] = "stoa.auth.user.registered.v1"
    example: ClassVar[dict[str, Any]] = {
        "person_id": story.ADA,
        "email": story.SEALED_EMAIL,
        "name": story.SEALED_NAME,
        "registered_at": "2025-06-24T21:05:12.974518Z",
    }

    email: Personal[str] = Field(description="The address that the person logs in with.")
    name: Personal[str] = Field(description="The name that others see.")
    registered_at: AwareDatetime = Field(description="When the account was made.")


class EmailVerified(UserEvent):
    """The person has shown that the address of their account is theirs: they could read a mail that was sent there."""

    type: ClassVar[str] = "stoa.auth.user.email-verified.v1"
    example: ClassVar[dict[str, Any]] = {"person_id": story.ADA, "verified_at": "2025-06-24T21:09:31.120455Z"}

    verified_at: AwareDatetime = Field(description="When it was shown.")


class PasswordChanged(UserEvent):
    """The person's password is another one; sessions that were open elsewhere are over."""

    type: ClassVar[str] = "stoa.auth.user.password-changed.v1"
    example: ClassVar[dict[str, Any]] = {"person_id": story.ADA, "changed_at": "2025-07-02T08:30:04.501873Z"}

    changed_at: AwareDatetime = Field(description="When it was changed.")


class UserLoggedIn(UserEvent):
    """A person logged in: a session was opened."""

    type: ClassVar[str] = "stoa.auth.user.logged-in.v1"
    example: ClassVar[dict[str, Any]] = {
        "person_id": story.ADA,
        "session_id": story.SESSION,
        "logged_in_at": "2025-06-24T21:05:55.882336Z",
    }

    session_id: UUID = Field(description="The session; its refresh tokens are one family.")
    logged_in_at: AwareDatetime = Field(description="When the session was opened.")


class UserErased(UserEvent):
    """A person asked to be forgotten: whoever holds rows about them erases these now."""

    type: ClassVar[str] = "stoa.auth.user.erased.v1"
    survives_erasure: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {"person_id": story.BOB, "erased_at": "2025-09-12T16:02:47.551090Z"}

    erased_at: AwareDatetime = Field(
        description="When the person asked; their keys were destroyed in the same transaction."
    )


class UserSuspended(UserEvent):
    """The platform refuses the person from now on: sessions are over, API keys open nothing; what is theirs stays."""

    type: ClassVar[str] = "stoa.auth.user.suspended.v1"
    example: ClassVar[dict[str, Any]] = {"person_id": story.BOB, "suspended_at": "2025-08-20T06:58:12.640117Z"}

    suspended_at: AwareDatetime = Field(description="When an operator did it.")


class UserResumed(UserEvent):
    """The platform takes the person again; they log in anew, and their API keys open again."""

    type: ClassVar[str] = "stoa.auth.user.resumed.v1"
    example: ClassVar[dict[str, Any]] = {"person_id": story.BOB, "resumed_at": "2025-08-21T09:14:35.018829Z"}

    resumed_at: AwareDatetime = Field(description="When an operator did it.")


class UserImpersonated(UserEvent):
    """Somebody acts in the person's place for a while; the person was told, and may end it."""

    type: ClassVar[str] = "stoa.auth.user.impersonated.v1"
    example: ClassVar[dict[str, Any]] = {
        "person_id": story.BOB,
        "session_id": "01991a09-58f0-7c6a-9d18-4fa07b25c3e9",
        "impersonated_by": "operator",
        "acts_for": story.ORGANIZATION,
        "started_at": "2025-09-05T13:20:44.272563Z",
        "ends_at": "2025-09-05T13:35:44.272563Z",
    }

    session_id: UUID = Field(description="The session by which it is done; it stands among the person's own.")
    impersonated_by: str = Field(description="The role of who does it: `operator`. More may come.")
    acts_for: UUID | None = Field(None, description="The organization that they act for; null for none.")
    started_at: AwareDatetime = Field(description="When it began.")
    ends_at: AwareDatetime = Field(description="When it ends at the latest; either side may end it sooner.")


class ApiKeyEvent(Event):
    """An API key. Like its person's other credentials it belongs to no organization, and enters no feed."""

    topic: ClassVar[str] = "auth.api-key"
    subject_field: ClassVar[str] = "api_key_id"
    partitions: ClassVar[int] = 3

    api_key_id: UUID = Field(description="The key. Nothing here opens it: neither its text nor a hash of it.")
    acts_for: UUID = Field(description="The organization in which the key acts.")
    person_id: UUID = Field(description="Whose key it is: it acts for them, and never may more than they may.")


class ApiKeyCreated(ApiKeyEvent):
    """A person's machine may act for them in the organization."""

    type: ClassVar[str] = "stoa.auth.api-key.created.v1"
    example: ClassVar[dict[str, Any]] = {
        "api_key_id": story.API_KEY,
        "acts_for": story.ORGANIZATION,
        "person_id": story.ADA,
        "prefix": "4k0vq2mz7c",
        "scopes": ["course:read", "course:write"],
        "expires_at": "2025-09-22T21:15:06.784113Z",
        "created_at": "2025-06-24T21:15:06.784113Z",
    }

    prefix: str = Field(description="The visible part of the key's text: `stoa_<prefix>_...`.")
    scopes: list[str] = Field(
        description="Names of the permissions that it has at most. They lessen with those of its person, without an "
        "event of the key. More names may come."
    )
    expires_at: AwareDatetime | None = Field(description="When it ends by itself; null for a key that doesn't.")
    created_at: AwareDatetime = Field(description="When it was made.")


class ApiKeyRotated(ApiKeyEvent):
    """The key has a new text; the ones from before end."""

    type: ClassVar[str] = "stoa.auth.api-key.rotated.v1"
    example: ClassVar[dict[str, Any]] = {
        "api_key_id": story.API_KEY,
        "acts_for": story.ORGANIZATION,
        "person_id": story.ADA,
        "prefix": "x93tjw5hd1",
        "replaced_prefix": "4k0vq2mz7c",
        "replaced_until": "2025-08-02T07:40:51.236518Z",
        "rotated_at": "2025-08-01T07:40:51.236518Z",
    }

    prefix: str = Field(description="The visible part of the new text.")
    replaced_prefix: str = Field(description="The visible part of the text that was the current one.")
    replaced_until: AwareDatetime = Field(description="When the last text from before ends, if not sooner.")
    rotated_at: AwareDatetime = Field(description="When it was rotated.")


class ApiKeyRevoked(ApiKeyEvent):
    """The key opens nothing any more, whatever its text.

    A key that expires, or whose person is erased or leaves the organization, ends without this event.
    """

    type: ClassVar[str] = "stoa.auth.api-key.revoked.v1"
    example: ClassVar[dict[str, Any]] = {
        "api_key_id": story.API_KEY,
        "acts_for": story.ORGANIZATION,
        "person_id": story.ADA,
        "revoked_by": story.ADA,
        "revoked_at": "2025-09-03T11:27:19.905742Z",
    }

    revoked_by: UUID = Field(description="Who revoked it: its person, or an admin of the organization.")
    revoked_at: AwareDatetime = Field(description="When it ended.")
