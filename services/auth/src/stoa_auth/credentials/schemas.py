"""HTTP shapes of credentials."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from stoa_auth.accounts.schemas import MailedToken, NewPassword
from stoa_auth.people.schemas import Email


class PasswordChangeIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    current_password: Annotated[str, Field(min_length=1, max_length=1000)]
    password: NewPassword


class ForgottenIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Email


class ResetIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: MailedToken
    password: NewPassword


class ForgottenOut(BaseModel):
    """The same words whether the address is known or not."""

    message: str = "If this address has an account, a mail with a code is on its way. It is good for 30 minutes."
