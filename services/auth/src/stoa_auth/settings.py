"""Everything that auth can be told from outside."""

from pydantic import Field, SecretStr

from stoa_common.settings import ServiceSettings


class Settings(ServiceSettings, service="auth"):
    """Settings of auth, from `AUTH_<FIELD>`.

    The Argon2id defaults are OWASP's (Password Storage Cheat Sheet: 19 MiB, two iterations, one lane). A hash tells its
    own parameters, so raising these leaves old passwords valid.
    """

    keys_secret: SecretStr = Field(min_length=32, description="Seals the signing keys that the database keeps.")
    access_token_ttl_seconds: int = Field(600, ge=60, le=900)
    refresh_token_ttl_seconds: int = Field(30 * 24 * 3600, ge=3600)

    argon2_memory_kib: int = Field(19_456, ge=8)
    argon2_iterations: int = Field(2, ge=1)
    argon2_parallelism: int = Field(1, ge=1)
    argon2_workers: int = Field(2, ge=1, description="Hashes at once: a core and the memory above each.")
    argon2_queue: int = Field(256, ge=0, description="Hashes that may wait; more are refused with 503 and Retry-After.")

    operator_email: str | None = Field(None, description="With the password: makes the operator, where there is none.")
    operator_password: SecretStr | None = None
