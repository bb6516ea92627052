"""HTTP shapes of OAuth: clients as people manage them, and what clients themselves send and get."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from stoa_auth.people.schemas import Name

Grant = Literal["authorization_code", "refresh_token", "client_credentials"]
IdTokenAlgorithm = Literal["RS256", "EdDSA"]
Uri = Annotated[str, Field(min_length=1, max_length=2000)]
Uris = Annotated[list[Uri], Field(max_length=20)]
Scopes = Annotated[list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=200)]
Grants = Annotated[list[Grant], Field(min_length=1, max_length=3)]
Parameter = Annotated[str | None, Field(max_length=2000)]
LONGEST_GRACE_SECONDS = 30 * 24 * 3600


class ClientIn(BaseModel):
    """A client is to be registered."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Name, Field(description="People see it when they are asked.", examples=["Course reports"])]
    confidential: Annotated[bool, Field(description="Whether it can keep a secret; what runs at people's cannot.")] = (
        True
    )
    redirect_uris: Annotated[
        Uris, Field(description="Compared character by character.", examples=[["https://app.example.com/callback"]])
    ] = []
    post_logout_redirect_uris: Uris = []
    grants: Grants = ["authorization_code", "refresh_token"]
    scopes: Annotated[
        Scopes,
        Field(
            description="Permissions, and openid, profile, email, offline_access.", examples=[["openid", "course:read"]]
        ),
    ]
    id_token_algorithm: IdTokenAlgorithm = "RS256"  # noqa: S105  # an algorithm's name


class ClientChangeIn(BaseModel):
    """What is to be changed about a client; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    redirect_uris: Uris | None = None
    post_logout_redirect_uris: Uris | None = None
    grants: Grants | None = None
    scopes: Scopes | None = None
    id_token_algorithm: IdTokenAlgorithm | None = None


class SecretRotationIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    grace_seconds: Annotated[
        int, Field(ge=0, le=LONGEST_GRACE_SECONDS, description="How long the secret before stays good. 0: leaked.")
    ] = 24 * 3600


class ClientOut(BaseModel):
    """A client, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="The `client_id`.")
    organization_id: UUID | None = Field(description="null: the platform's own, for people of all organizations.")
    name: str
    confidential: bool
    redirect_uris: list[str]
    post_logout_redirect_uris: list[str]
    grants: list[str]
    scopes: list[str]
    id_token_algorithm: str
    replaced_secret_until: datetime | None = Field(description="How long the secret before the last one is still good.")
    created_at: datetime


class NewClientOut(ClientOut):
    """A client with its secret, which is shown this once."""

    client_secret: str | None = Field(description="null for a public client.")


class ConsentOut(BaseModel):
    """What the caller lets a client do."""

    client_id: UUID
    client_name: str
    organization_id: UUID | None
    scopes: list[str]
    granted_at: datetime


class ClientForm(BaseModel):
    """How a client may show in a form who it is (RFC 6749, section 2.3.1)."""

    client_id: Parameter = None
    client_secret: Annotated[str | None, Field(max_length=500)] = None


class TokenForm(ClientForm):
    """A token is asked for (RFC 6749, RFC 7636, RFC 8693). What is unknown is ignored, as the standard asks."""

    grant_type: Annotated[str, Field(max_length=200, examples=["client_credentials"])]
    scope: Annotated[str | None, Field(max_length=8000)] = None
    code: Parameter = None
    redirect_uri: Parameter = None
    code_verifier: Parameter = None
    refresh_token: Parameter = None
    subject_token: Annotated[str | None, Field(max_length=8192)] = None
    subject_token_type: Parameter = None
    audience: Annotated[Parameter, Field(description="Token exchange by a service: which one it calls.")] = None


class TokenOut(BaseModel):
    """Tokens (RFC 6749, section 5.1; RFC 8693, section 2.2.1; OpenID Connect Core, section 3.1.3.3)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  # the scheme's name
    expires_in: int = Field(description="Seconds.")
    scope: str | None = None
    refresh_token: str | None = None
    id_token: str | None = None
    issued_token_type: str | None = None


class TokenProblem(BaseModel):
    """Why there is no token: RFC 6749's members, and beside them a problem's (RFC 9457)."""

    error: str = Field(examples=["invalid_grant"])
    error_description: str
    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[dict[str, str]] = []


class SubjectForm(ClientForm):
    """A token that a client asks about, or hands back (RFC 7662, RFC 7009)."""

    token: Annotated[str, Field(min_length=1, max_length=8192)]
    token_type_hint: Parameter = None


class IntrospectionOut(BaseModel):
    """What a token is (RFC 7662, section 2.2); nothing but `active` where it is none, or none for this client."""

    active: bool
    scope: str | None = None
    client_id: str | None = None
    token_type: str | None = None
    sub: str | None = None
    iss: str | None = None
    aud: str | None = None
    org: str | None = None
    exp: int | None = None
    iat: int | None = None
    act: dict[str, Any] | None = None


class UserInfoOut(BaseModel):
    """Who the person is, as far as the client's scopes go (OpenID Connect Core, section 5.3)."""

    sub: str
    name: str | None = None
    email: str | None = None
    email_verified: bool | None = None
