"""The models and the migrated database say the same."""

from typing import Any

from sqlalchemy import Connection, create_engine, inspect
from sqlalchemy.engine import Inspector

from stoa_ai.database import Course, Generation, Lesson, Passage, Posting, metadata
from stoa_common.settings import ServiceSettings

OURS = [model.__tablename__ for model in (Course, Generation, Lesson, Passage, Posting)]


def _columns(table: Any) -> dict[str, tuple[bool, bool]]:
    return {column.name: (column.nullable, column.primary_key) for column in table.columns}


def _migrated(inspector: Inspector, table: str) -> dict[str, tuple[bool, bool]]:
    keys = inspector.get_pk_constraint(table)["constrained_columns"]
    return {column["name"]: (column["nullable"], column["name"] in keys) for column in inspector.get_columns(table)}


def _indexes(inspector: Inspector, table: str) -> dict[str | None, list[str | None]]:
    return {index["name"]: index["column_names"] for index in inspector.get_indexes(table)}


def test_each_table_is_migrated_as_its_model_says(settings: ServiceSettings) -> None:
    assert settings.database_url is not None
    engine = create_engine(settings.database_url.get_secret_value().replace("postgresql", "postgresql+psycopg", 1))

    with engine.connect() as connection:
        inspector = inspect(connection)
        for name in OURS:
            table = metadata.tables[name]
            assert _migrated(inspector, name) == _columns(table)
            indexes = {index.name: [column.name for column in index.columns] for index in table.indexes}
            assert _indexes(inspector, name) == indexes
        assert _can_create(connection) is False
    engine.dispose()


def _can_create(connection: Connection) -> bool:
    return bool(connection.exec_driver_sql("SELECT has_schema_privilege('public', 'CREATE')").scalar())
