"""Filters and orders mean in the database what the library says they mean."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scim2_models import InvalidFilterException, ScimFilter, SearchRequest

from stoa_auth.database import ScimGroup, ScimGroupMember, ScimUser
from stoa_auth.scim import filtering, reading, representing
from stoa_auth.scim.domain import ScimRequestIsWrong
from stoa_auth.scim.repository import Listed, UserRepository
from stoa_auth.scim.schemas import DirectoryUser
from stoa_auth.scim.settling import columns
from stoa_auth.scim.sources import USERS
from stoa_common.database import Database
from stoa_common.ids import new_id

from .conftest import Doors
from .directory import ENTERPRISE

BASE = "http://here/scim/v2"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAID: list[dict[str, Any]] = [
    {"userName": "ada@Example.org", "displayName": "Ada", "active": True, "title": "Écrivaine"},
    {"userName": "BOB@example.org", "name": {"familyName": "O'Neil", "givenName": "Bob"}, "active": False},
    {"userName": "cyd", "emails": [{"value": "cyd@b.org", "type": "work", "primary": True}, {"value": "c@home.org"}]},
    {"userName": "dee", "emails": [{"value": "d@b.org", "type": "home"}, {"type": "work"}], "externalId": "Dee-1"},
    {"userName": "eve", "emails": [{"value": "e@b.org", "primary": False}], "title": "a%b_c\\d"},
    {"userName": "straße", "displayName": "ÉCOLE", ENTERPRISE: {"department": "Research"}},
    {"userName": "zoe", "name": {"familyName": "ada"}, ENTERPRISE: {"costCenter": "7"}, "externalId": "dee-1"},
]
TEXTS = [
    "ada",
    "Ada",
    "ada@example.org",
    "b.org",
    "WORK",
    "work",
    "home",
    "",
    "é",
    "École",
    "O'Neil",
    "Dee-1",
    "%",
    "_",
]
TEXTS += ["\\", "a%b", "research", "dee", "e", "1", "2026-03-01T12:00:01Z", "'; DROP TABLE scim_users; --", "STRASSE"]
PATHS = [
    "userName",
    "USERNAME",
    "displayName",
    "title",
    "externalId",
    "name.familyName",
    "name",
    "emails",
    "emails.type",
]
PATHS += [
    "emails.value",
    "emails.primary",
    "active",
    "id",
    "schemas",
    "groups",
    "groups.display",
    "groups.value",
    "meta",
]
PATHS += [f"{ENTERPRISE}:department", f"{ENTERPRISE}:costCenter", "meta.created", "meta.lastModified", "meta.version"]
PATHS += ["meta.resourceType", "meta.location", "nickName"]
OPERATORS = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]


def _quoted(value: object) -> str:
    return ScimFilter.quote(value)


VALUES = st.sampled_from([*TEXTS, True, False, None]).map(_quoted)
COMPARISONS = st.builds("{} {} {}".format, st.sampled_from(PATHS), st.sampled_from(OPERATORS), VALUES)
PRESENT = st.sampled_from(PATHS).map("{} pr".format)
INNER = st.builds(
    "{} {} {}".format, st.sampled_from(["type", "value", "primary", "display"]), st.sampled_from(OPERATORS), VALUES
)
SELECTED = st.builds("emails[{}]".format, INNER | st.builds("{} and not ({})".format, INNER, INNER))
FILTERS = st.recursive(
    COMPARISONS | PRESENT | SELECTED,
    lambda inner: (
        st.builds("not ({})".format, inner)
        | st.builds("({} and {})".format, inner, inner)
        | st.builds("({} or {})".format, inner, inner)
    ),
    max_leaves=5,
)


class Written:
    """Users in the database, and the same as the library sees them."""

    def __init__(self, organization_id: UUID, resources: Mapping[UUID, DirectoryUser]) -> None:
        self.organization_id = organization_id
        self.resources = resources

    async def found(self, database: Database, wanted: SearchRequest[DirectoryUser]) -> list[UUID]:
        condition = filtering.condition(wanted.filter, USERS)
        order = filtering.order(wanted, DirectoryUser, USERS)
        async with database.transaction() as session:
            listed = Listed(condition, order, base=BASE, offset=0, limit=100)
            records, total = await UserRepository(session).page(self.organization_id, listed)
        assert total == len(records)
        return [record.id for record in records]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def written(database: Database, doors: Doors) -> Written:
    organization_id = UUID((await doors.newcomer()).organization_id)
    resources = {}
    async with database.transaction() as session:
        group = _group(organization_id)
        session.add(group)
        await session.flush()
        for number, said in enumerate(SAID):
            record = _record(organization_id, DirectoryUser.model_validate(said), at=NOON + timedelta(seconds=number))
            session.add(record)
            await session.flush()
            groups = [group] if number % 2 else []
            session.add_all(ScimGroupMember(group_id=group.id, scim_user_id=record.id) for group in groups)
            resources[record.id] = representing.user(record, is_active=record.active is True, groups=groups, base=BASE)
    return Written(organization_id, resources)


def _group(organization_id: UUID) -> ScimGroup:
    known = {"attributes": {"displayName": "École"}, "search": {"display_name": "école"}, "revision": 1}
    return ScimGroup(id=new_id(), organization_id=organization_id, created_at=NOON, changed_at=NOON, **known)


def _record(organization_id: UUID, said: DirectoryUser, *, at: datetime) -> ScimUser:
    return ScimUser(
        **columns(said),
        id=new_id(),
        organization_id=organization_id,
        active=said.active is not False,
        provisioned=False,
        granted_roles=[],
        revision=1,
        created_at=at,
        changed_at=at,
    )


def _understood(text: str) -> SearchRequest[DirectoryUser] | None:
    try:
        return reading.parameters(DirectoryUser, {"filter": text})
    except ScimRequestIsWrong:
        return None


@example(text="emails eq null")
@example(text="emails.value ne null")
@example(text='emails[not (type eq "work")]')
@example(text='groups.display eq "école" and not (active eq true)')
@example(text='title co "%b_c\\\\"')
@given(text=FILTERS)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_filter_finds_whom_the_library_finds(database: Database, written: Written, text: str) -> None:
    wanted = _understood(text)
    if wanted is None or wanted.filter is None:
        return
    try:
        found = set(await written.found(database, wanted))
    except InvalidFilterException:
        # Times have no parts to look for: the library finds nothing, and we say so.
        assert "meta." in text
        return

    bound = ScimFilter[DirectoryUser](str(wanted.filter))
    assert found == {user_id for user_id, resource in written.resources.items() if bound.match(resource)}, text


@given(
    path=st.sampled_from([path for path in PATHS if path not in {"name", "meta"}]),
    direction=st.sampled_from(["ascending", "descending"]),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_an_order_is_the_librarys(database: Database, written: Written, path: str, direction: str) -> None:
    try:
        wanted = reading.parameters(DirectoryUser, {"sortBy": path, "sortOrder": direction})
    except ScimRequestIsWrong:
        return

    found = [written.resources[user_id] for user_id in await written.found(database, wanted)]

    values = [wanted.sort_value(resource) for resource in found]
    assert values == [wanted.sort_value(resource) for resource in wanted.sort(written.resources.values())]
