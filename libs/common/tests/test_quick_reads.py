"""A short way takes its statement's values, just these, and is no way around what a route asks for."""

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Integer, bindparam, literal, select

from stoa_common.database import Database
from stoa_common.http import Router, public, require
from stoa_common.http.quick import NoSuchRoute, Prepared, Quick, ShortWay, ValuesDoNotFit
from stoa_common.security import Principal


def _sum() -> Prepared:
    """Asks for two values, and holds a third."""
    one, other = bindparam("one", type_=Integer), bindparam("other", type_=Integer)
    return Prepared(select(one + other + literal(100)))


async def test_a_statement_is_run_with_what_it_names(database: Database) -> None:
    statement = _sum()

    async with database.driver() as connection:
        (row,) = await statement.fetch(connection, one=1, other=10)

    assert row[0] == 111


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"one": 1}, "lacks a value for other."),
        ({}, "lacks a value for one, other."),
        ({"one": 1, "other": 2, "third": 3}, "names no third."),
        ({"one": 1, "ohter": 2}, "lacks a value for other. The statement names no ohter."),
    ],
)
async def test_a_value_that_is_missing_or_too_many_is_named(
    database: Database, told: dict[str, int], sentence: str
) -> None:
    statement = _sum()

    async with database.driver() as connection:
        with pytest.raises(ValuesDoNotFit, match=sentence):
            await statement.fetch(connection, **told)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/v1/sample/secrets/{secret_id}", require("course:read", recent=True)),
        ("/api/v1/sample/{kind}/{thing_id}", require("course:read")),
        ("/api/v1/sample/things", require("course:read")),
        ("/api/v1/sample/open/{thing_id}", public()),
    ],
)
def test_a_route_that_asks_for_more_than_a_permission_and_an_id_has_no_short_way(
    path: str, said: dict[str, Any], database: Database
) -> None:
    router = Router(prefix="", tags=["things"])
    router.get(path, **said)(_nothing)

    with pytest.raises(NoSuchRoute):
        ShortWay(FastAPI(), [Quick(path, _read)], [router], database)


async def _nothing() -> None:
    """A route."""


async def _read(_connection: Any, _caller: Principal, _wanted: UUID) -> bytes | None:
    return None
