"""Settings: one class a service, filled from the environment once, in the process file.

`class Settings(ServiceSettings, service="content")` reads `CONTENT_<FIELD>`; fields that all services share keep their
own names (`KAFKA_BOOTSTRAP_SERVERS`). Any variable may come as `<VARIABLE>_FILE`, the path of a file that holds it.
"""

import os
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from stoa_common.browser_cookies import origin_of

SHARED = "shared"


class BadSettings(SystemExit):
    """The environment does not make a working configuration; the message lists each variable and what it needs."""


def shared(variable: str, default: Any = ..., **kwargs: Any) -> Any:
    """A field that every service reads under one name."""
    return Field(default, validation_alias=variable, **kwargs)


def _public_url(url: str) -> str:
    """An origin alone: our cookies are for all paths of a host, and nothing stands in front of the services' paths."""
    if url and origin_of(url) != url.rstrip("/").lower():
        raise ValueError("Write scheme and host alone, such as https://stoa.example.com or http://localhost:8000.")
    return url.rstrip("/").lower()


def _issuer(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise ValueError("Write where clients reach the gateway, such as https://stoa.example.com.")
    return _public_url(url)


def _default_issuer() -> str:
    """Where clients reach the gateway, as far as we are told: an ID token's issuer is where clients look it up."""
    here = f"http://127.0.0.1:{read_variable('STOA_GATEWAY_PORT') or 8000}"
    return read_variable("STOA_PUBLIC_URL") or here


#: Where browsers and clients reach the gateway; "" for wherever a request says that it was sent to.
PublicUrl = Annotated[str, AfterValidator(_public_url)]


class ServiceSettings(BaseSettings):
    model_config = SettingsConfigDict(populate_by_name=True, extra="ignore")
    service: ClassVar[str]

    host: str = "127.0.0.1"
    port: int = 0
    database_url: SecretStr | None = None
    migrate_database_url: SecretStr | None = None
    client_secret: SecretStr | None = Field(None, description="Shows auth that it is this service that asks.")
    drain_seconds: float = Field(
        0.0, ge=0, description="From SIGTERM on, /readyz says 503 for so long while requests are still taken."
    )
    finish_seconds: int = Field(5, ge=0, description="After that, the longest wait for open requests to end.")
    database_pool_size: int = Field(10, ge=1, description="Connections that each role may hold.")

    kafka_bootstrap_servers: str = shared("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
    kafka_topic_prefix: str = shared("KAFKA_TOPIC_PREFIX", "")
    kafka_instance_id: str = shared("KAFKA_INSTANCE_ID", "")
    redis_url: SecretStr = shared("REDIS_URL", SecretStr("redis://127.0.0.1:6379/0"))
    auth_jwks_url: str = shared("AUTH_JWKS_URL", "http://127.0.0.1:8001/.well-known/jwks.json")
    issuer: Annotated[str, AfterValidator(_issuer)] = Field(
        default_factory=_default_issuer, validate_default=True, validation_alias="STOA_ISSUER"
    )
    inbox_retention_days: int = shared("STOA_INBOX_RETENTION_DAYS", 30, ge=1)
    event_log_retention_days: int = shared("STOA_EVENT_LOG_RETENTION_DAYS", 0, ge=0)
    log_level: str = shared("LOG_LEVEL", "info")
    log_format: Literal["json", "console"] = shared("LOG_FORMAT", "json")
    otlp_endpoint: str = shared("OTEL_EXPORTER_OTLP_ENDPOINT", "")

    def __init_subclass__(cls, *, service: str, **kwargs: Any) -> None:
        cls.service = service
        cls.model_config = {**cls.model_config, "env_prefix": f"{service.upper()}_"}
        super().__init_subclass__(**kwargs)

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, _Environment(settings_cls))

    @classmethod
    def load(cls) -> "ServiceSettings":
        """Read the environment; raises BadSettings, which lists what is wrong without showing any value."""
        try:
            return cls()
        except ValidationError as error:
            wrong = [f"  {cls._variable(e['loc'][0])}: {e['msg']}" for e in error.errors(include_input=False)]
            raise BadSettings(f"The settings of {cls.service} are not complete:\n" + "\n".join(wrong)) from None

    @classmethod
    def _variable(cls, field: int | str) -> str:
        """The environment variable that a field is read from."""
        own = f"{cls.service}_{field}".upper()
        return str(cls.model_fields[str(field)].validation_alias or own) if field in cls.model_fields else str(field)


class _Environment(PydanticBaseSettingsSource):
    """Environment variables, each also as `<VARIABLE>_FILE`. An empty variable counts as unset."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        variable = field.validation_alias or f"{self.config.get('env_prefix', '')}{field_name}".upper()
        return read_variable(variable), field_name, False

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            value, key, _ = self.get_field_value(field, name)
            if value is not None:
                found[key] = value
        return found


def read_variable(variable: str) -> str | None:
    """A variable's value, from the environment or from the file that `<variable>_FILE` names; None if unset."""
    path = os.environ.get(f"{variable}_FILE")
    value = Path(path).read_text().strip() if path else os.environ.get(variable, "")
    return value or None
