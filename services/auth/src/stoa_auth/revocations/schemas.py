"""HTTP shapes of revocations."""

from pydantic import BaseModel, ConfigDict, Field


class RevocationOut(BaseModel):
    """Tokens of the subject that were issued at `not_before` or earlier are refused (Unix seconds)."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    subject: str = Field(description="A digest of the ids that are meant.")
    not_before: float
    expires_at: float


class ExtractOut(BaseModel):
    """Part of the log: with it, a copy that had all up to the number asked for has all up to `upto`."""

    model_config = ConfigDict(from_attributes=True)

    upto: int
    revocations: list[RevocationOut]
