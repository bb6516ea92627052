"""HTTP shapes of sessions."""

from datetime import datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from stoa_auth.factors.schemas import Code, RecoveryCodeText
from stoa_auth.passkeys.schemas import PasskeyIn
from stoa_auth.people.schemas import Email

OpaqueToken = Annotated[str, Field(min_length=1, max_length=200)]
Challenge = Annotated[OpaqueToken, Field(description="As the answer to the password said it.")]
_NO_PROOFS: Final = frozenset({"challenge"})


class LoginIn(BaseModel):
    """Somebody asks for a session; without an organization it is the one that they have been in longest."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    password: Annotated[str, Field(min_length=1, max_length=1000)]
    organization_id: UUID | None = None


class ProofIn(BaseModel):
    """By what somebody shows beside the password who they are: exactly one of these."""

    model_config = ConfigDict(extra="forbid")

    code: Code | None = None
    recovery_code: RecoveryCodeText | None = None
    passkey: PasskeyIn | None = None

    @property
    def proof(self) -> str | PasskeyIn | None:
        return self.code or self.recovery_code or self.passkey

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        given = [name for name in type(self).model_fields if name not in _NO_PROOFS and getattr(self, name) is not None]
        if len(given) != 1:
            known = [name for name in type(self).model_fields if name not in _NO_PROOFS]
            raise ValueError(f"Send exactly one of {', '.join(known)}.")
        return self


class SecondFactorIn(ProofIn):
    """A log-in that waits for a second factor goes on."""

    challenge: Challenge


class FactorPasskeyIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    challenge: Challenge


class PasskeyLogInIn(BaseModel):
    """Somebody asks for a session by a passkey; without an organization for the one that they have been in longest."""

    model_config = ConfigDict(extra="forbid")

    passkey: PasskeyIn
    organization_id: UUID | None = None


class StepUpIn(ProofIn):
    """The caller proves again who they are; who has a second factor, by it."""

    password: Annotated[str, Field(min_length=1, max_length=1000)] | None = None


class StepUpOut(BaseModel):
    """An access token that says when the caller proved again who they are. The refresh token stays as it is.

    A browser is told none, which a script in its page could take away: it gets another cookie.
    """

    access_token: str | None = Field(None, description="null for a browser.")
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  # the scheme's name
    expires_in: int | None = Field(None, description="Seconds that the access token is good for.")


class FactorNeededOut(BaseModel):
    """What the problem `second-factor-is-needed` says beside what each does; a wrong password has none of it."""

    challenge: str | None = Field(None, description="Send it on to `POST /api/v1/auth/login/second-factor`.")
    methods: list[str] | None = Field(
        None, description="What the account has: `authenticator`, `passkey`, `recovery-code`."
    )
    expires_in: int | None = Field(None, description="Seconds that the challenge is good for.")


class RefreshIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    refresh_token: OpaqueToken


class SessionOut(BaseModel):
    """One of the caller's sessions: a device or an app that is logged in."""

    id: UUID
    organization_id: UUID | None
    device: str | None = Field(description="What the client called itself, shortened.", examples=["Firefox on Linux"])
    created_at: datetime
    last_used_at: datetime = Field(description="When it was last refreshed.")
    current: bool = Field(description="Whether the access token of this request came from it.")
    impersonated_by: Literal["operator"] | None = Field(
        None, description="Who acts in the person's place by it; null: the person themselves."
    )
    ends_at: datetime | None = Field(None, description="When it ends, however often it is refreshed; null: never so.")


class TokensOut(BaseModel):
    """What a session is used with. The refresh token is good for one use: keep the newest."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  # the scheme's name
    expires_in: int = Field(description="Seconds that the access token is good for.")
    refresh_token: str
    person_id: UUID
    organization_id: UUID | None


class SwitchIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    organization_id: UUID


class SwitchedOut(BaseModel):
    """For whom the session acts from now on, and what it is used with.

    A browser is told no token, which a script in its page could take away: it gets another cookie.
    """

    access_token: str | None = Field(None, description="null for a browser.")
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  # the scheme's name
    expires_in: int | None = Field(None, description="Seconds that the access token is good for.")
    refresh_token: str | None = Field(None, description="null for a browser.")
    person_id: UUID
    organization_id: UUID | None
