"""HTTP shapes of passkeys: the JSON forms of WebAuthn, level 3, as browsers write and read them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from stoa_auth.factors.schemas import FactorName

#: A device's answer has about 1 kB; what attestation adds is not asked for.
_LONGEST_PART = 10_000
Base64Url = Annotated[str, StringConstraints(min_length=1, max_length=_LONGEST_PART, pattern=r"^[A-Za-z0-9_-]+=*$")]
_Transport = Annotated[str, Field(max_length=50)]


class _Json(BaseModel):
    """Browsers add members as the standard grows; the ones that nobody reads are left out."""

    model_config = ConfigDict(extra="ignore")


class AttestationIn(_Json):
    clientDataJSON: Base64Url  # noqa: N815  # the standard's name
    attestationObject: Base64Url  # noqa: N815  # as above
    transports: Annotated[list[_Transport], Field(max_length=10)] = []


class RegistrationCredentialIn(_Json):
    """What `navigator.credentials.create()` gave, by `toJSON()`."""

    id: Base64Url
    rawId: Base64Url  # noqa: N815  # the standard's name
    type: Literal["public-key"]
    response: AttestationIn


class AssertionIn(_Json):
    clientDataJSON: Base64Url  # noqa: N815  # the standard's name
    authenticatorData: Base64Url  # noqa: N815  # as above
    signature: Base64Url
    userHandle: Base64Url | None = None  # noqa: N815  # as above


class PasskeyIn(_Json):
    """What `navigator.credentials.get()` gave, by `toJSON()`."""

    id: Base64Url
    rawId: Base64Url  # noqa: N815  # the standard's name
    type: Literal["public-key"]
    response: AssertionIn


class NewPasskeyIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: FactorName = "Passkey"
    credential: RegistrationCredentialIn


class CreationOptionsOut(BaseModel):
    """For `PublicKeyCredential.parseCreationOptionsFromJSON()`; good for five minutes and one use."""

    publicKey: dict[str, Any] = Field(description="PublicKeyCredentialCreationOptionsJSON.")  # noqa: N815


class RequestOptionsOut(BaseModel):
    """For `PublicKeyCredential.parseRequestOptionsFromJSON()`; good for five minutes and one use."""

    publicKey: dict[str, Any] = Field(description="PublicKeyCredentialRequestOptionsJSON.")  # noqa: N815
