"""Alembic without its files: revisions lie in each service's package, `upgrade` brings a database to the newest one."""

from importlib.resources import files
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from stoa_common import logs
from stoa_common.settings import ServiceSettings

log = logs.get_logger()


def _scripts(service_name: str) -> ScriptDirectory:
    folder = Path(str(files(f"stoa_{service_name}"))) / "migrations"
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


def head(service_name: str) -> str:
    """The newest revision that the service's package has."""
    revision = _scripts(service_name).get_current_head()
    if revision is None:
        raise LookupError(f"stoa_{service_name} has no migrations.")
    return revision


def upgrade(settings: ServiceSettings) -> None:
    """Bring the database to the newest revision, as its owner. Two at once wait for each other."""
    url = settings.migrate_database_url or settings.database_url
    if url is None:
        raise SystemExit(f"Set {settings.service.upper()}_MIGRATE_DATABASE_URL to the owner's address of the database.")
    upgrade_to_head(settings.service, url.get_secret_value())


def upgrade_to_head(service_name: str, url: str) -> None:
    scripts = _scripts(service_name)
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7405001)")
            with EnvironmentContext(Config(), scripts, fn=lambda rev, _: scripts._upgrade_revs("head", rev)) as env:
                env.configure(connection=connection, target_metadata=None)
                env.run_migrations()
    finally:
        engine.dispose()
    log.info("database_migrated", database=service_name, revision=head(service_name))
