"""What each service is told: its own addresses and secrets, and nobody else's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stoa_devkit import leftovers
from stoa_devkit.ports import HOST
from stoa_devkit.services import Spec
from stoa_devkit.settings import Settings
from stoa_devkit.state import State

OPERATOR_EMAIL = "operator@example.com"
OPERATOR_SECRET = "operator-password"  # noqa: S105 - the secret's name
OPERATOR_RECORD = "operator.json"
#: The mail server's password stands in its URL.
AUTH_ONLY = ("AUTH_SMTP_URL", "AUTH_SMTP_URL_FILE")

#: Services that may ask auth for tokens of those they work for.
CALLING_SERVICES = ("content", "ai", "analytics", "feed")


@dataclass(frozen=True)
class Urls:
    """Two ways into one database, with their passwords."""

    service: str
    """For rows: no DDL."""
    migrate: str
    """For DDL."""


@dataclass(frozen=True)
class Addresses:
    """Where the servers and services of this platform are."""

    kafka: str
    redis: str
    databases: Mapping[str, Urls]
    ports: Mapping[str, int]

    def url(self, service: str) -> str:
        """The base URL of a service."""
        return f"http://{HOST}:{self.ports[service]}"


def shared(settings: Settings, state: State, addresses: Addresses) -> dict[str, str]:
    """The variables that all services get, on top of what our own environment says."""
    told = {
        leftovers.MARK: str(state.folder),
        "KAFKA_BOOTSTRAP_SERVERS": addresses.kafka,
        "KAFKA_INSTANCE_ID": settings.get("KAFKA_INSTANCE_ID") or "laptop",
        "REDIS_URL": addresses.redis,
        "STOA_GATEWAY_PORT": str(addresses.ports.get("gateway", settings.gateway_port)),
        "LOG_FORMAT": settings.get("LOG_FORMAT") or "console",
        "PYTHONUNBUFFERED": "1",
        **{f"{name.upper()}_URL": addresses.url(name) for name in addresses.ports},
    }
    if "auth" in addresses.ports:
        told["AUTH_JWKS_URL"] = f"{addresses.url('auth')}/.well-known/jwks.json"
    return {**_for_all(settings.variables), **told}


def of_service(spec: Spec, settings: Settings, state: State, addresses: Addresses) -> dict[str, str]:
    """The variables of one service's process."""
    prefix = spec.name.upper()
    told = {f"{prefix}_HOST": HOST, f"{prefix}_PORT": str(addresses.ports[spec.name])}
    if spec.has_database:
        told[f"{prefix}_DATABASE_URL"] = addresses.databases[spec.name].service
    if spec.name in CALLING_SERVICES:
        told[f"{prefix}_CLIENT_SECRET"] = _client_secret(spec.name, settings, state)
    return {**shared(settings, state, addresses), **told, **_own(spec.name, settings, state)}


def of_migrate(spec: Spec, settings: Settings, state: State, addresses: Addresses) -> dict[str, str]:
    """The variables of `stoa-<service> migrate`, which alone knows the database's owner."""
    owner = addresses.databases[spec.name].migrate
    prefix = spec.name.upper()
    urls = {f"{prefix}_DATABASE_URL": owner, f"{prefix}_MIGRATE_DATABASE_URL": owner}
    return {**of_service(spec, settings, state, addresses), **urls}


def _own(name: str, settings: Settings, state: State) -> dict[str, str]:
    """What only one service needs: its folders, its first person."""
    if name == "content":
        objects = state.data / "objects"
        return {"CONTENT_OBJECTS_URL": settings.get("CONTENT_OBJECTS_URL") or objects.as_uri()}
    if name == "analytics":
        return {"ANALYTICS_CHDB_PATH": settings.get("ANALYTICS_CHDB_PATH") or str(state.data / "warehouse")}
    if name == "ai":
        return {"AI_MODEL_DIR": settings.get("AI_MODEL_DIR") or str(settings.cache / "models")}
    if name == "auth":
        keys = settings.get("AUTH_KEYS_SECRET") or state.secret("auth-keys")
        mail = {name: value for name in AUTH_ONLY if (value := settings.get(name))}
        clients = {
            f"AUTH_{service.upper()}_CLIENT_SECRET": _client_secret(service, settings, state)
            for service in CALLING_SERVICES
        }
        return {"AUTH_KEYS_SECRET": keys, **mail, **clients, **_operator(settings, state)}
    if name == "gateway":
        # No balancer is there to notice that it leaves, and `stoa down` does not wait for long answers.
        told = {"GATEWAY_DRAIN_SECONDS": "0", "GATEWAY_FINISH_SECONDS": "5"}
        return {variable: settings.get(variable) or value for variable, value in told.items()}
    if name == "feed":
        return {"FEED_WEBHOOK_SECRET": settings.get("FEED_WEBHOOK_SECRET") or state.secret("feed-webhooks")}
    return {}


def _client_secret(service: str, settings: Settings, state: State) -> str:
    """What a service shows to auth, which is told the same."""
    return settings.get(f"{service.upper()}_CLIENT_SECRET") or state.secret(f"{service}-client")


def _operator(settings: Settings, state: State) -> dict[str, str]:
    password = settings.get("AUTH_OPERATOR_PASSWORD") or state.find_secret(OPERATOR_SECRET)
    email = settings.get("AUTH_OPERATOR_EMAIL") or OPERATOR_EMAIL
    return {"AUTH_OPERATOR_EMAIL": email, **({"AUTH_OPERATOR_PASSWORD": password} if password else {})}


def _for_all(variables: Mapping[str, str]) -> dict[str, str]:
    """What all services may hear. Without their compiled modules six processes start in twice the time."""
    endings = (
        "_DATABASE_URL",
        "_DATABASE_URL_FILE",
        "_CLIENT_SECRET",
        "_CLIENT_SECRET_FILE",
        "AUTH_OPERATOR_PASSWORD",
        *AUTH_ONLY,
        "PYTHONDONTWRITEBYTECODE",
    )
    return {name: value for name, value in variables.items() if not name.endswith(endings)}


def external_databases(names: Iterable[str], settings: Settings) -> dict[str, Urls]:
    """The databases that the environment points elsewhere."""
    found = {}
    for name in names:
        service = settings.get(f"{name.upper()}_DATABASE_URL")
        if service:
            found[name] = Urls(service, settings.get(f"{name.upper()}_MIGRATE_DATABASE_URL") or service)
    return found


def prepare_operator(settings: Settings, state: State) -> None:
    """On the first start, make the operator's password, unless the environment has one."""
    if not state.read(OPERATOR_RECORD).get("told") and not settings.get("AUTH_OPERATOR_PASSWORD"):
        state.secret(OPERATOR_SECRET)


def tell_operator_password(state: State) -> str | None:
    """The operator's password, the first time only; after that it is kept nowhere."""
    password = state.find_secret(OPERATOR_SECRET)
    if password is not None:
        state.write(OPERATOR_RECORD, {"told": True})
        state.forget_secret(OPERATOR_SECRET)
    return password
