"""Members that a PATCH names by their ids come and go as the library has it, and in no time."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stoa_auth.scim import moving, reading
from stoa_auth.scim.domain import ScimRequestIsWrong
from stoa_auth.scim.moving import GroupPatch
from stoa_auth.scim.schemas import DirectoryGroup

from .directory import GROUP, PATCH

IDS = st.sampled_from(["a", "b", "c", "d"])
ENTRIES = st.lists(st.builds(lambda each: {"value": each}, IDS), max_size=3)
OPERATIONS = st.one_of(
    st.builds(
        lambda op, path, value: {"op": op, "path": path, "value": value},
        st.sampled_from(["add", "Add", "replace", "Replace", "remove", "Remove"]),
        st.sampled_from(["members", "Members", f"{GROUP}:members"]),
        ENTRIES,
    ),
    st.builds(lambda op, value: {"op": op, "value": {"members": value}}, st.sampled_from(["add", "replace"]), ENTRIES),
    st.builds(lambda each: {"op": "remove", "path": f'members[value eq "{each}"]'}, IDS),
    st.builds(lambda each: {"op": "remove", "path": f'members[type eq "User" and value eq "{each}"]'}, IDS),
    st.just({"op": "remove", "path": "members"}),
    st.just({"op": "replace", "path": "members", "value": None}),
    st.just({"op": "replace", "path": "displayName", "value": "Faculty"}),
)


def a_group() -> DirectoryGroup:
    members = [{"value": each, "$ref": f"http://here/scim/v2/Users/{each}", "type": "User"} for each in ("a", "b")]
    return DirectoryGroup.model_validate({"id": "1", "displayName": "Teachers", "members": members})


def a_body(*operations: Any) -> bytes:
    return json.dumps({"schemas": [PATCH], "Operations": list(operations)}).encode()


def told(group: DirectoryGroup) -> tuple[str | None, set[str | None]]:
    return group.display_name, {member.value for member in group.members or ()}


@example(operations=[{"op": "add", "path": "members", "value": []}])
@given(operations=st.lists(OPERATIONS, min_size=1, max_size=4))
def test_members_come_and_go_as_the_library_has_it(operations: list[dict[str, Any]]) -> None:
    ours, theirs = a_group(), a_group()

    with reading.understood():
        moving.patch(a_body(*operations)).patch(ours)
        reading.patch(DirectoryGroup, a_body(*operations)).patch(theirs)

    assert told(ours) == told(theirs)


def test_ids_are_moved_without_the_library_and_other_selections_with_it() -> None:
    by_id = {"op": "remove", "path": 'members[value eq "a"]'}
    otherwise = {"op": "remove", "path": 'members[type eq "User"]'}

    assert isinstance(
        moving.patch(a_body(by_id, {"op": "add", "path": "members", "value": {"value": "c"}})), GroupPatch
    )
    assert not isinstance(moving.patch(a_body(by_id, otherwise)), GroupPatch)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "members", "value": ["a"]},
        {"op": "add", "path": "members", "value": "a"},
        {"op": "add", "path": "members"},
        {"op": "replace", "path": "members"},
        {"op": "move", "path": "members", "value": [{"value": "a"}]},
        {"op": "add", "path": "members", "value": [{"value": 7}]},
        {"op": "remove", "path": "members", "value": ["a"]},
        {"op": "remove", "path": "members[value"},
    ],
)
def test_what_names_no_ids_is_refused(operation: dict[str, Any]) -> None:
    group = a_group()

    with pytest.raises(ScimRequestIsWrong), reading.understood():
        moving.patch(a_body(operation)).patch(group)

    assert told(group) == told(a_group())


def test_a_message_that_is_no_patch_is_refused_though_it_names_ids() -> None:
    body = {"schemas": [GROUP], "Operations": [{"op": "add", "path": "members", "value": [{"value": "a"}]}]}

    with pytest.raises(ScimRequestIsWrong):
        moving.patch(json.dumps(body).encode())


def test_members_are_selected_otherwise_than_by_id_by_a_few_operations_only() -> None:
    selecting = {"op": "remove", "path": 'members[type eq "User"]'}

    moving.patch(a_body(*[selecting] * moving.MOST_SELECTIONS))
    with pytest.raises(ScimRequestIsWrong, match="by their ids"):
        moving.patch(a_body(*[selecting] * (moving.MOST_SELECTIONS + 1)))


def test_of_operations_that_name_ids_there_may_be_as_many_as_a_body_holds() -> None:
    ids = [f"id-{number}" for number in range(2000)]
    added = {"op": "add", "path": "members", "value": [{"value": each} for each in ids]}
    removed = [{"op": "remove", "path": f'members[value eq "{each}"]'} for each in ids[1:]]
    group = a_group()

    moving.patch(a_body(added, *removed)).patch(group)

    assert told(group)[1] == {"a", "b", ids[0]}
