"""The tenant filter and the DDL, as text."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_analytics.warehouse import migrations
from stoa_analytics.warehouse.domain import Scope, TableIsNotScoped, scoped

ORGANIZATION = UUID(int=7)


def test_every_table_of_a_query_is_narrowed_to_the_organization() -> None:
    sql, parameters = scoped("SELECT 1 FROM $events JOIN $item_responses USING id", Scope.of(ORGANIZATION))

    assert sql.count("WHERE organization_id = {scope_organization_id:UUID}") == 2
    assert parameters == {"scope_organization_id": ORGANIZATION}


def test_the_platform_sees_all_organizations_but_no_duplicates() -> None:
    sql, parameters = scoped("SELECT 1 FROM $events", Scope.platform())

    assert sql == "SELECT 1 FROM (SELECT * FROM events FINAL)"
    assert parameters == {}


@given(
    keyword=st.sampled_from(
        ["FROM", "from", "JOIN", "LEFT JOIN", "CROSS\nJOIN", ",", "WHERE id IN (SELECT id FROM", "WHERE id IN"]
    ),
    table=st.sampled_from(["events", "`events`", "default.events", "item_responses FINAL", '"events"']),
    scope=st.sampled_from([Scope.of(ORGANIZATION), Scope.platform()]),
)
def test_a_table_named_past_the_filter_is_refused(keyword: str, table: str, scope: Scope) -> None:
    with pytest.raises(TableIsNotScoped, match=r"\$"):
        scoped(f"SELECT 1 FROM $events {keyword} {table}", scope)


def test_versions_are_numbered_without_a_gap() -> None:
    numbers = [version.number for version in migrations.versions()]

    assert numbers == list(range(1, len(numbers) + 1))
    assert all(version.statements for version in migrations.versions())
