"""HTTP shapes of sign-on."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from stoa_auth.people import addresses
from stoa_auth.people.schemas import Name

MOST_MAPPED: int = 200
#: As long as where a log-in page leads: an OAuth client's whole request may stand there.
LONGEST_RETURN: int = 8000


def _domain(text: str) -> str:
    """One spelling for domains, that of addresses. Raises ValueError."""
    try:
        return addresses.email(f"somebody@{text.strip()}").rpartition("@")[2]
    except ValueError:
        raise ValueError("This is not the domain of an e-mail address, such as example.org.") from None


def _word(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("Leave spaces around it and line breaks out.")
    return text


Domain = Annotated[str, Field(max_length=253, examples=["example.org"]), AfterValidator(_domain)]
Word = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_word)]
Scope = Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}$")]
Roles = Annotated[list[Word], Field(min_length=1, max_length=20, description="Roles of your organization.")]
RolesClaim = Annotated[
    Word | None,
    Field(
        max_length=200,
        examples=["groups"],
        description="A claim whose values mean roles. Then the provider decides, at each log-in, what members are.",
    ),
]
RoleMapping = Annotated[
    dict[Word, Word],
    Field(max_length=MOST_MAPPED, examples=[{"teachers": "author"}], description="The claim's values and their roles."),
]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=1000)]


class ConnectionIn(BaseModel):
    """An organization wants its people to log in by its OpenID provider."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Name, Field(examples=["Example University"])]
    issuer: Annotated[
        str,
        Field(
            max_length=500,
            examples=["https://login.example.org"],
            description="Exactly as the provider writes it; `/.well-known/openid-configuration` follows it.",
        ),
    ]
    client_id: Word
    client_secret: Secret
    scopes: Annotated[list[Scope], Field(max_length=20)] = ["openid", "email", "profile"]
    default_roles: Roles = ["learner"]
    roles_claim: RolesClaim = None
    role_mapping: RoleMapping = {}
    admits_newcomers: Annotated[
        bool, Field(description="Whether who is no member becomes one by logging in; else only members log in.")
    ] = True


class ConnectionChange(BaseModel):
    """What is left out stays. So does the issuer: what identities say is its alone; for another make a connection."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    client_id: Word | None = None
    client_secret: Secret | None = None
    scopes: Annotated[list[Scope], Field(max_length=20)] | None = None
    default_roles: Roles | None = None
    roles_claim: RolesClaim = None
    role_mapping: RoleMapping | None = None
    admits_newcomers: bool | None = None
    is_enabled: Annotated[
        bool | None, Field(description="False: nobody logs in by it, and sessions that providers opened end.")
    ] = None


class ConnectionOut(BaseModel):
    """A connection, without its client secret."""

    id: UUID
    organization_id: UUID
    name: str
    issuer: str
    client_id: str
    scopes: list[str]
    default_roles: list[str]
    roles_claim: str | None
    role_mapping: dict[str, str]
    admits_newcomers: bool
    is_enabled: bool
    created_at: datetime
    redirect_uri: str = Field(description="Register this at the provider, and nothing else.")
    log_in_url: str = Field(description="Where people log in by it; may be a link on your pages.")


class Policy(BaseModel):
    """How an organization's members have to log in."""

    model_config = ConfigDict(extra="forbid")

    required: Annotated[
        bool,
        Field(description="Whether only who logged in by a connection acts for the organization; owners always do."),
    ]


class DomainIn(BaseModel):
    """An operator has seen that a domain is an organization's."""

    model_config = ConfigDict(extra="forbid")

    organization_id: UUID


class DomainOut(BaseModel):
    """A domain of mail addresses that an organization has proved to be its own."""

    model_config = ConfigDict(from_attributes=True)

    domain: str
    organization_id: UUID
    proved_at: datetime


class WayOut(BaseModel):
    """A way to log in that an organization offers to addresses of its domain."""

    id: UUID
    name: str
    log_in_url: str
    required: bool = Field(description="Whether only who logs in like this acts for the organization, and its owners.")


class LinkIn(BaseModel):
    """The caller wants to log in to their account by a provider as well."""

    model_config = ConfigDict(extra="forbid")

    connection_id: UUID
    return_to: Annotated[str | None, Field(max_length=LONGEST_RETURN, description="A path of this origin.")] = None


class LinkOut(BaseModel):
    url: str = Field(description="Send the browser there: it gets a cookie with this answer, and no other can finish.")


class IdentityOut(BaseModel):
    """An identity at a provider that logs in to the caller's account."""

    id: UUID
    connection_id: UUID
    connection: str = Field(description="The connection's name.")
    linked_at: datetime
    last_used_at: datetime | None


class CodeIn(BaseModel):
    """An app trades the code that a sign-on sent it."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, Field(min_length=1, max_length=200)]
    code_verifier: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{43,128}$", description="PKCE's (RFC 7636).")]
