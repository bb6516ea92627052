"""Forms as browsers send them; what is wrong with them is told on the page."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from stoa_auth.passkeys.schemas import PasskeyIn
from stoa_auth.people.schemas import Email
from stoa_auth.sessions.schemas import OpaqueToken

Text = Annotated[str, Field(max_length=2000)]
Next = Annotated[
    str | None,
    Query(alias="next", max_length=8000, description="A path of this origin, where the browser goes after the log-in."),
]

ByPassword = Annotated[
    Literal["password"] | None,
    Query(alias="by", description="`password`: also where an organization has its people log in by its provider."),
]


class _Form(BaseModel):
    csrf: Text = Field("", description="From the form's hidden field.")


class LogInForm(_Form):
    email: Text = ""
    password: Text = ""


class SecondFactorForm(_Form):
    challenge: Text = ""
    code: Text = ""


class StepUpForm(_Form):
    password: Text = ""
    code: Text = ""


class IdentitiesForm(_Form):
    """Each button of the page says one of these."""

    link: UUID | None = Field(None, description="A connection.")
    unlink: UUID | None = Field(None, description="An identity.")


class EmailForm(_Form):
    email: Text = ""


class CodeForm(_Form):
    code: Text = ""


class ResetForm(CodeForm):
    password: Text = ""


class InvitationForm(CodeForm):
    name: Text = ""
    email: Text = ""
    password: Text = ""


class PasskeyOptionsIn(BaseModel):
    """The page's script asks what to ask the browser for; with a challenge to go on with a log-in that waits."""

    model_config = ConfigDict(extra="forbid")

    challenge: OpaqueToken | None = None


class PasskeyLogInIn(BaseModel):
    """What the browser gave for that, and where to go then."""

    model_config = ConfigDict(extra="forbid")

    credential: PasskeyIn
    challenge: OpaqueToken | None = None
    next: str | None = Field(None, max_length=8000)


class PasskeyStepUpIn(BaseModel):
    """What the browser gave where somebody proves again who they are, and where to go then."""

    model_config = ConfigDict(extra="forbid")

    credential: PasskeyIn
    next: str | None = Field(None, max_length=8000)


class AddressIn(BaseModel):
    """Somebody tells their address, to find the way of their organization."""

    email: Email


class PasskeyOptionsOut(BaseModel):
    """For `PublicKeyCredential.parseRequestOptionsFromJSON()`."""

    publicKey: dict[str, Any] = Field(description="PublicKeyCredentialRequestOptionsJSON.")  # noqa: N815


class LoggedInOut(BaseModel):
    """The cookie is set, or set anew."""

    next: str = Field(description="The path of this origin to go on to.")
