"""What is the infrastructure's fault is held for; what is a bug or bad data is not, or it would be held for ever."""

import pytest
from sqlalchemy import text

from stoa_common import failures
from stoa_common.database import Database


async def _error_of(database: Database, sql: str, **values: object) -> Exception:
    with pytest.raises(Exception) as caught:  # which class it is, is what the tests ask
        async with database.transaction() as session:
            await session.execute(text(sql), values)
    error = caught.value
    assert isinstance(error, Exception)
    return error


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("SELECT cast(:x AS integer)", "no number"),
        ("SELECT cast(:x AS integer)", 2**40),
        ("SELECT cast(:x AS text)", "a\0b"),
        ("SELECT :x FROM nothing", 1),
    ],
)
async def test_bad_data_and_bad_sql_are_nobodys_outage(database: Database, sql: str, value: object) -> None:
    assert not failures.is_infrastructure(await _error_of(database, sql, x=value))


async def test_a_connection_that_the_server_ends_is_an_outage(database: Database) -> None:
    assert failures.is_infrastructure(await _error_of(database, "SELECT pg_terminate_backend(pg_backend_pid())"))


async def test_a_server_that_is_not_there_is_an_outage() -> None:
    nowhere = Database("postgresql://nobody:nothing@127.0.0.1:9/none")

    error = await _error_of(nowhere, "SELECT 1")
    await nowhere.close()

    assert failures.is_infrastructure(error)


@pytest.mark.parametrize("error", [FileNotFoundError("x"), PermissionError("x"), ValueError("x"), KeyError("x")])
def test_a_bug_is_no_outage_even_where_the_system_reports_it(error: Exception) -> None:
    assert not failures.is_infrastructure(error)


@pytest.mark.parametrize("error", [ConnectionRefusedError(), TimeoutError(), OSError("Multiple exceptions")])
def test_a_connection_that_cannot_be_made_is_an_outage(error: Exception) -> None:
    assert failures.is_infrastructure(error)
