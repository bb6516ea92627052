"""HTTP shapes of second factors."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from stoa_auth.people.schemas import Name

FactorName = Annotated[Name, Field(description="What the person calls it.", examples=["My phone"])]
Code = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{6}$"),
    Field(description="What the app shows now; it counts once.", examples=["492039"]),
]
RecoveryCodeText = Annotated[
    str,
    Field(min_length=12, max_length=40, description="One of the ten; it counts once.", examples=["7KQM-20XD-WAZP"]),
]


class AuthenticatorIn(BaseModel):
    """An authenticator app is to be set up."""

    model_config = ConfigDict(extra="forbid")

    name: FactorName = "Authenticator app"


class AuthenticatorOut(BaseModel):
    """What an app is set up with, shown this once. It counts when a code of it has confirmed it, within an hour."""

    id: UUID
    secret: str = Field(description="In base 32, for who can't scan.")
    uri: str = Field(description="The same for the app: `otpauth://totp/...`.")
    qr_svg: str = Field(description="The URI as a QR code, an SVG picture.")


class ConfirmationIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: Code


class FactorNameIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: FactorName


class FactorOut(BaseModel):
    """Something by which the caller shows who they are beside the password."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str = Field(description="`authenticator` or `passkey`.")
    name: str
    created_at: datetime
    last_used_at: datetime | None


class NewFactorOut(BaseModel):
    """A factor that counts from now on. With the first one come recovery codes, shown this once."""

    factor: FactorOut
    recovery_codes: list[str] = Field(
        description="Each replaces a lost factor once: keep them where you don't need the factor to read them. Empty "
        "where the caller has some already."
    )


class RecoveryCodesOut(BaseModel):
    """New recovery codes, shown this once; those from before are worth nothing."""

    recovery_codes: list[str]


class RecoveryCodesLeftOut(BaseModel):
    """How many recovery codes the caller has left."""

    left: int
    made_at: datetime | None = Field(description="When they were made; null for who has none.")
