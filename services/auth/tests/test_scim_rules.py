"""Rules of provisioning, and what can't be read as SCIM."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_auth.database import ScimGroup
from stoa_auth.scim import domain, reading
from stoa_auth.scim.schemas import DirectoryGroup, DirectoryUser, Email, GroupRole
from stoa_auth.scim.tidying import tidy
from stoa_common.permissions import Role

from .directory import ENTERPRISE, PATCH, USER

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KNOWN = [*(str(role) for role in Role if role is not Role.OPERATOR), "tutor"]


def a_user(**said: Any) -> DirectoryUser:
    return DirectoryUser(**{"user_name": "ada@example.org", **said})


def a_group(name: str, role: str | None = None) -> DirectoryGroup:
    group = DirectoryGroup(display_name=name)
    if role:
        group[GroupRole] = GroupRole(role=role)
    return group


@pytest.mark.parametrize(
    ("user", "address"),
    [
        (a_user(user_name="Ada@Example.org"), "ada@example.org"),
        (a_user(user_name="ada", emails=[Email(value="a@b.org"), Email(value="c@d.org", primary=True)]), "c@d.org"),
        (a_user(user_name="ada", emails=[Email(value="a@b.org"), Email(value="c@d.org", type="work")]), "c@d.org"),
        (a_user(user_name="ada", emails=[Email(value="no address"), Email(value="c@d.org")]), "c@d.org"),
        (a_user(user_name="ada@nowhere@", emails=None), None),
        (a_user(user_name="ada"), None),
    ],
)
def test_a_person_is_reached_at_their_user_name_or_the_preferred_address(
    user: DirectoryUser, address: str | None
) -> None:
    assert domain.address(user) == address


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"display_name": "Ada L.", "name": {"formatted": "Ada Lovelace"}}, "Ada L."),
        ({"name": {"formatted": "Ada Lovelace", "givenName": "A"}}, "Ada Lovelace"),
        ({"name": {"givenName": "Ada", "familyName": "Lovelace"}}, "Ada Lovelace"),
        ({"name": {"familyName": "Lovelace"}}, "Lovelace"),
        ({"display_name": "Ada\nLovelace", "name": {"familyName": "Lovelace"}}, "Lovelace"),
        ({}, None),
    ],
)
def test_an_account_is_named_as_the_directory_shows_the_person(said: dict[str, Any], name: str | None) -> None:
    assert domain.full_name(a_user(**said)) == name


@pytest.mark.parametrize(
    ("group", "role"),
    [
        (a_group("Teachers"), None),
        (a_group("stoa:author"), "author"),
        (a_group(" Stoa:Tutor "), "tutor"),
        (a_group("stoa:nobody"), None),
        (a_group("stoa:owner"), None),
        (a_group("stoa:author", "coach"), "coach"),
        (a_group("Teachers", "tutor"), "tutor"),
    ],
)
def test_a_group_gives_the_role_of_its_extension_or_of_its_name(group: DirectoryGroup, role: str | None) -> None:
    assert domain.wanted_role(group, existing=KNOWN) == role


@pytest.mark.parametrize("role", ["owner", "operator", "nobody"])
def test_a_group_gives_no_role_that_is_unknown_or_the_owners(role: str) -> None:
    with pytest.raises(domain.ScimRequestIsWrong, match=role):
        domain.wanted_role(a_group("Teachers", role), existing=KNOWN)


def test_a_role_that_a_group_had_and_that_is_gone_is_no_role() -> None:
    assert domain.wanted_role(a_group("Teachers", "gone"), existing=KNOWN, kept="gone") is None
    assert domain.wanted_role(a_group("stoa:author", "gone"), existing=KNOWN, kept="gone") is None


ROLE_SETS = st.sets(st.sampled_from(KNOWN))


@given(by_hand=ROLE_SETS.filter(bool), first=ROLE_SETS, second=ROLE_SETS)
def test_roles_by_groups_come_and_go_and_those_by_hand_stay(
    by_hand: set[str], first: set[str], second: set[str]
) -> None:
    roles, granted = domain.by_groups(sorted(by_hand), granted=[], wanted=first)
    assert set(roles) == by_hand | first

    roles, granted = domain.by_groups(roles, granted=granted, wanted=second)
    assert set(roles) == by_hand | second

    roles, granted = domain.by_groups(roles, granted=granted, wanted=[])
    assert (set(roles), granted) == (by_hand, [])


def test_who_has_no_role_left_is_a_learner() -> None:
    assert domain.by_groups(["author"], granted=["author"], wanted=[]) == (["learner"], [])


def test_a_version_names_itself_in_lists_weakly_and_by_a_star() -> None:
    group = ScimGroup(id=UUID(int=1), revision=7, changed_at=NOON)
    version = domain.version(group)

    assert domain.is_named(version, version)
    assert domain.is_named(version, '"7"')
    assert domain.is_named(version, f'W/"6", {version}')
    assert domain.is_named(version, "*")
    assert not domain.is_named(version, 'W/"6"')
    assert not domain.is_named(version, "")


def test_what_says_nothing_is_left_out() -> None:
    user = a_user(title="", name={"familyName": ""}, emails=[{}, {"value": "a@b.org"}, {"value": ""}])

    tidy(user)

    assert (user.title, user.name) == (None, None)
    assert [email.value for email in user.emails or []] == ["a@b.org"]


@pytest.mark.parametrize("said", [{"title": "x" * 1001}, {"emails": [{"value": f"{n}@b.org"} for n in range(51)]}])
def test_more_than_anybody_needs_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(domain.ScimRequestIsWrong):
        tidy(a_user(**said))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        *("userName", "name", "name.familyName", "emails", 'emails[type eq "work"]', 'emails[type eq "work"].value'),
        *("active", "groups", "meta", "meta.version", "schemas", "id", "externalId", "nothing", "", "password"),
        *("emails[", "emails[value pr].x.y", "urn:x:y", f"{ENTERPRISE}:department"),
    ]
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Add", "replace", "Replace", "remove", "REMOVE", "move"]) | JSON},
    optional={"path": NAMES | st.text(max_size=30), "value": JSON | st.dictionaries(NAMES, JSON, max_size=3)},
)


def refusal_of(read: Callable[[], object]) -> domain.ScimRequestIsWrong | None:
    try:
        read()
    except domain.ScimRequestIsWrong as refusal:
        return refusal
    return None


@given(operations=st.lists(OPERATIONS, max_size=3) | JSON)
def test_any_patch_changes_the_user_or_is_refused(operations: Any) -> None:
    user = DirectoryUser(
        id="1", user_name="ada@example.org", active=True, emails=[{"value": "a@b.org", "type": "work"}]
    )

    def change() -> None:
        found = reading.patch(DirectoryUser, json.dumps({"schemas": [PATCH], "Operations": operations}).encode())
        with reading.understood():
            found.patch(user)
        tidy(user)
        domain.require_user_name(user)

    refusal = refusal_of(change)

    assert refusal.detail if refusal else (user.id == "1" and user.user_name)


@given(body=JSON | st.fixed_dictionaries({"schemas": st.just([USER])}, optional={"userName": JSON, "emails": JSON}))
def test_any_user_is_read_or_refused(body: Any) -> None:
    def read() -> None:
        user = reading.new(DirectoryUser, json.dumps(body).encode())
        tidy(user)
        domain.require_user_name(user)

    refusal = refusal_of(read)

    assert refusal is None or refusal.detail


@given(raw=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with pytest.raises(domain.ScimRequestIsWrong):
        reading.new(DirectoryUser, raw)


WORDS = st.sampled_from(
    [
        *("(", ")", "[", "]", ".", ",", "userName", "emails", "type", "active", "meta.created", "urn:x:y"),
        *("eq", "ne", "co", "gt", "pr", "and", "or", "not"),
        *('"ada"', "true", "null", "1", "1e400", '"\\ud800"', '"\\u0000"'),
    ]
)


@given(text=st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=40))
def test_any_filter_is_understood_or_refused(text: str) -> None:
    refusal = refusal_of(lambda: reading.parameters(DirectoryUser, {"filter": text}))

    assert refusal is None or refusal.scim_type in {"invalidFilter", "invalidValue"}


@pytest.mark.parametrize(
    "query",
    [
        {"count": "many"},
        {"startIndex": "1.5"},
        {"sortBy": "name"},
        {"sortBy": "nothing"},
        {"sortOrder": "sideways"},
        {"filter": "x" * 4001},
        {"attributes": "userName", "excludedAttributes": "name"},
        {"attributes": 'emails[type eq "work"]'},
    ],
)
def test_parameters_that_mean_nothing_are_refused(query: dict[str, str]) -> None:
    with pytest.raises(domain.ScimRequestIsWrong):
        reading.parameters(DirectoryUser, dict(query))


def test_a_cursor_is_refused_since_there_are_none() -> None:
    with pytest.raises(domain.ScimRequestIsWrong) as refused:
        reading.search(DirectoryUser, json.dumps({"cursor": "x"}).encode())

    assert refused.value.scim_type == "invalidCursor"


def test_more_operations_than_anybody_needs_are_refused() -> None:
    operation = {"op": "replace", "path": "title", "value": "Dr"}

    def read(count: int) -> None:
        reading.patch(DirectoryUser, json.dumps({"schemas": [PATCH], "Operations": [operation] * count}).encode())

    read(reading.MOST_OPERATIONS)
    with pytest.raises(domain.ScimRequestIsWrong, match="operations"):
        read(reading.MOST_OPERATIONS + 1)
