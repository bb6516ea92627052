"""Finding out cheaply whether a database is where the code wants it."""

from pathlib import Path

import pytest

from stoa_devkit import migrations

FIRST = 'revision = "0001"\ndown_revision = None\n'
SECOND = "revision: str = '0002'\ndown_revision: str | None = '0001'\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    versions = tmp_path / "stoa_made_up" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (tmp_path / "stoa_made_up" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return versions


def test_the_head_is_the_revision_that_no_other_follows(package: Path) -> None:
    (package / "0002_second.py").write_text(SECOND)
    (package / "0001_first.py").write_text(FIRST)

    assert migrations.recorded_head("made_up") == "0002"


def test_a_service_without_migrations_has_no_head() -> None:
    assert migrations.recorded_head("gateway") is None


@pytest.mark.parametrize("service", ["auth", "content", "ai", "analytics", "feed"])
def test_it_is_the_head_that_alembic_finds(service: str) -> None:
    from stoa_common.migrations import head

    assert migrations.recorded_head(service) == head(service)
