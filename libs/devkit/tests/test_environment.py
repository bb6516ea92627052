"""What a service is told, and what it is not."""

from pathlib import Path

import pytest

from stoa_devkit import environment, settings
from stoa_devkit.environment import Addresses, Urls
from stoa_devkit.services import Spec
from stoa_devkit.settings import Settings
from stoa_devkit.state import State

ADDRESSES = Addresses(
    kafka="127.0.0.1:9092",
    redis="redis://127.0.0.1:6379/0",
    databases={
        "content": Urls("postgresql://content:app@db/content", "postgresql://owner:own@db/content"),
        "auth": Urls("postgresql://auth:app@db/auth", "postgresql://owner:own@db/auth"),
    },
    ports={"content": 8001, "auth": 8002, "gateway": 8000},
)


def _told(spec: Spec, state: State, **variables: str) -> dict[str, str]:
    return environment.of_service(spec, Settings(state.folder, variables), state, ADDRESSES)


def test_a_service_is_told_its_own_database_and_nobody_elses(state: State) -> None:
    told = _told(Spec("content"), state, AUTH_DATABASE_URL="postgresql://elsewhere/auth")

    assert told["CONTENT_DATABASE_URL"] == "postgresql://content:app@db/content"
    assert "AUTH_DATABASE_URL" not in told
    assert "CONTENT_MIGRATE_DATABASE_URL" not in told


def test_only_the_migration_knows_the_owner(state: State) -> None:
    told = environment.of_migrate(Spec("content"), Settings(state.folder, {}), state, ADDRESSES)

    assert told["CONTENT_MIGRATE_DATABASE_URL"] == "postgresql://owner:own@db/content"


def test_every_service_is_told_where_the_others_and_the_keys_are(state: State) -> None:
    told = _told(Spec("content"), state)

    assert told["AUTH_URL"] == "http://127.0.0.1:8002"
    assert told["AUTH_JWKS_URL"] == "http://127.0.0.1:8002/.well-known/jwks.json"
    assert told["CONTENT_PORT"] == "8001"


def test_only_auth_is_told_the_operators_password(state: State) -> None:
    environment.prepare_operator(Settings(state.folder, {}), state)

    assert _told(Spec("auth"), state)["AUTH_OPERATOR_PASSWORD"]
    assert "AUTH_OPERATOR_PASSWORD" not in _told(Spec("content"), state, AUTH_OPERATOR_PASSWORD="given")


def test_a_service_shows_auth_a_secret_that_nobody_else_is_told(state: State) -> None:
    content, auth = _told(Spec("content"), state, AI_CLIENT_SECRET="given"), _told(Spec("auth"), state)

    assert content["CONTENT_CLIENT_SECRET"] == auth["AUTH_CONTENT_CLIENT_SECRET"]
    assert len({auth[f"AUTH_{name}_CLIENT_SECRET"] for name in ("CONTENT", "AI", "ANALYTICS", "FEED")}) == 4
    assert [name for name in content if name.endswith("_CLIENT_SECRET")] == ["CONTENT_CLIENT_SECRET"]


def test_a_password_from_the_environment_is_used_and_not_kept(state: State) -> None:
    environment.prepare_operator(Settings(state.folder, {"AUTH_OPERATOR_PASSWORD": "given"}), state)

    assert _told(Spec("auth"), state, AUTH_OPERATOR_PASSWORD="given")["AUTH_OPERATOR_PASSWORD"] == "given"
    assert environment.tell_operator_password(state) is None


def test_a_database_elsewhere_is_migrated_by_its_own_address_or_the_owners() -> None:
    given = {"AUTH_DATABASE_URL": "postgresql://a", "AI_DATABASE_URL": "postgresql://b", "AI_MIGRATE_DATABASE_URL": "c"}

    found = environment.external_databases(["auth", "ai", "content"], Settings(Path(), given))

    assert found == {"auth": Urls("postgresql://a", "postgresql://a"), "ai": Urls("postgresql://b", "c")}


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "libs" / "devkit").mkdir(parents=True)
    (tmp_path / "libs" / "devkit" / "pyproject.toml").touch()
    (tmp_path / ".env").write_text("# mine\nSTOA_GATEWAY_PORT=8100\nexport LOG_LEVEL='debug'\nKAFKA_TOPIC_PREFIX=\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STOA_GATEWAY_PORT", "8200")

    found = settings.read()

    assert found.root == tmp_path
    assert found.gateway_port == 8200
    assert found.get("LOG_LEVEL") == "debug"
    assert found.get("KAFKA_TOPIC_PREFIX") is None
