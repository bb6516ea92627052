"""Events of people's second factors; the other ones of people are in `auth`."""

from typing import Any, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from stoa_events.contracts import story
from stoa_events.contracts.auth import UserEvent


class FactorAdded(UserEvent):
    """The person has a second factor more; from the first one on their password alone opens no session."""

    type: ClassVar[str] = "stoa.auth.user.factor-added.v1"
    example: ClassVar[dict[str, Any]] = {
        "person_id": story.ADA,
        "factor_id": "0197a3d1-6d52-7b0e-8c41-5f2f6d3a9b17",
        "kind": "authenticator",
        "added_at": "2025-06-25T07:12:40.118204Z",
    }

    factor_id: UUID = Field(description="The factor. Nothing here proves anything by it.")
    kind: str = Field(description="`authenticator` or `passkey`. More may come.")
    added_at: AwareDatetime = Field(description="When it began to count.")


class FactorRemoved(UserEvent):
    """A second factor of the person proves nothing any more; after the last one the password alone opens a session."""

    type: ClassVar[str] = "stoa.auth.user.factor-removed.v1"
    example: ClassVar[dict[str, Any]] = {
        "person_id": story.ADA,
        "factor_id": "0197a3d1-6d52-7b0e-8c41-5f2f6d3a9b17",
        "kind": "authenticator",
        "removed_at": "2025-08-30T15:44:09.730615Z",
    }

    factor_id: UUID = Field(description="The factor.")
    kind: str = Field(description="`authenticator` or `passkey`. More may come.")
    removed_at: AwareDatetime = Field(description="When it was removed.")
