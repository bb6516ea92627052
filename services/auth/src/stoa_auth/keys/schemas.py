"""HTTP shapes of signing keys."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class SigningKeyOut(BaseModel):
    """A key of access tokens (EdDSA) or of ID tokens (RS256), as operators see it."""

    kid: str
    algorithm: str = Field(examples=["EdDSA", "RS256"])
    state: Literal["waiting", "signing", "counting"] = Field(
        description="Published and not signing yet; signing; or signing no more while its last tokens are still good."
    )
    signs_from: datetime
    retired_at: datetime | None = Field(
        description="From then on it is published no more, and nothing it signed holds."
    )
