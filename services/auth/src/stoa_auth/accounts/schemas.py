"""HTTP shapes of accounts."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stoa_auth.accounts import passwords
from stoa_auth.people.schemas import Email, Name

NewPassword = Annotated[
    str,
    AfterValidator(passwords.new_password),
    Field(json_schema_extra={"minLength": passwords.SHORTEST_PASSWORD, "maxLength": passwords.LONGEST_PASSWORD}),
]

MailedToken = Annotated[str, Field(min_length=1, max_length=200, description="The code from the mail.")]


class RegistrationIn(BaseModel):
    """Somebody asks for an account; with an invitation they join its organization, without they found their own."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    password: NewPassword
    name: Name | None = None
    organization_name: Name | None = None
    invitation: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class RegistrationOut(BaseModel):
    """The same words whether the address was known or not."""

    message: str = "Thank you. If this address was not known yet, its account is ready: log in."


class VerificationIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: MailedToken


class MailedOut(BaseModel):
    """The same words whether a mail goes out or not."""

    message: str = "A mail is on its way, if there is something to say."
