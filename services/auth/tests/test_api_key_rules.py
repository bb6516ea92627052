"""What API keys may do and how long, as plain rules."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_auth.api_keys import domain, grants
from stoa_auth.api_keys.models import ApiKey
from stoa_common import api_keys, permissions
from stoa_common.ids import new_id
from stoa_common.permissions import Scope

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_key(text: str | None = None, **changed: Any) -> ApiKey:
    fields: dict[str, Any] = {
        "id": new_id(),
        "organization_id": new_id(),
        "person_id": new_id(),
        "name": "Nightly import",
        "scopes": ["course:read", "course:write"],
        "created_at": NOON,
        "expires_at": NOON + timedelta(days=90),
        "last_used_at": None,
        "revoked_at": None,
        "secrets": [domain.new_secret(text or api_keys.new_key(), at=NOON)],
    }
    return ApiKey(**fields | changed)


def test_scopes_are_kept_once_and_in_one_order() -> None:
    assert domain.scopes(["b:x", "a:x", "b:x"], allowed={"a:x", "b:x"}) == ["a:x", "b:x"]


@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        ("member:write", "You don't have"),
        ("platform:write", "You don't have"),
        ("course:fly", "no such"),
        ("api-key:write:own", "Only for people"),
        ("account:write:own", "Only for people"),
    ],
)
def test_a_scope_that_its_maker_cannot_give_is_named(scope: str, reason: str) -> None:
    allowed = domain.held(permissions.of_roles(["author"]))

    with pytest.raises(domain.ScopeIsNotYours) as refusal:
        domain.scopes(["course:read", scope], allowed=allowed)

    assert [error["field"] for error in refusal.value.errors] == ["scopes.1"]
    assert reason in refusal.value.errors[0]["message"]


@given(
    roles=st.sets(st.sampled_from(["learner", "author", "admin"])),
    scopes=st.lists(st.sampled_from(sorted(permissions.PERMISSIONS))),
)
def test_a_key_never_may_more_than_its_person(roles: set[str], scopes: list[str]) -> None:
    key = a_key(scopes=scopes)

    grant = grants.grant(domain.Opened(key, None), permissions.of_roles(roles), at=NOON)

    assert set(grant.permissions) <= permissions.of_roles(roles) & set(scopes)
    assert domain.NOT_FOR_KEYS.isdisjoint(grant.permissions)


def test_who_has_left_has_keys_that_open_nothing() -> None:
    key = a_key()

    with pytest.raises(domain.ApiKeyIsNotValid):
        grants.grant(domain.Opened(key, None), None, at=NOON)


@pytest.mark.parametrize(
    ("left", "seconds"), [(timedelta(days=1), 60), (timedelta(seconds=60), 60), (timedelta(seconds=7), 7)]
)
def test_a_token_outlives_neither_a_minute_nor_its_key(left: timedelta, seconds: int) -> None:
    expiring = domain.Opened(a_key(expires_at=NOON + left), None)
    retiring = domain.Opened(a_key(expires_at=None), NOON + left)

    lives = [
        grants.grant(opened, permissions.of_roles(["author"]), at=NOON).expires_in for opened in (expiring, retiring)
    ]

    assert lives == [seconds, seconds]


def test_the_right_text_opens_a_key_and_no_other_does() -> None:
    text = api_keys.new_key()
    key = a_key(text)

    assert domain.opened(key, text, at=NOON) == domain.Opened(key, None)
    for wrong in (api_keys.new_key(), text[:-1], text.swapcase(), ""):
        with pytest.raises(domain.ApiKeyIsNotValid):
            domain.opened(key, wrong, at=NOON)
    with pytest.raises(domain.ApiKeyIsNotValid):
        domain.opened(None, text, at=NOON)


def test_a_key_opens_nothing_from_its_last_moment_on() -> None:
    text = api_keys.new_key()
    key = a_key(text, expires_at=NOON + HOUR)

    assert domain.opened(key, text, at=NOON + HOUR - timedelta(microseconds=1))
    with pytest.raises(domain.ApiKeyIsNotValid):
        domain.opened(key, text, at=NOON + HOUR)


def test_a_key_without_an_end_lasts() -> None:
    text = api_keys.new_key()

    assert domain.opened(a_key(text, expires_at=None), text, at=NOON + timedelta(days=10_000))


def test_a_revoked_key_opens_nothing_and_is_revoked_once() -> None:
    text = api_keys.new_key()
    key = a_key(text)

    fact = domain.revoke(key, by=key.person_id, at=NOON)

    assert fact is not None
    assert (fact.api_key_id, fact.revoked_by, fact.revoked_at) == (key.id, key.person_id, NOON)
    assert domain.revoke(key, by=key.person_id, at=NOON + HOUR) is None
    with pytest.raises(domain.ApiKeyIsNotValid):
        domain.opened(key, text, at=NOON)


def rotated(key: ApiKey, *, grace: timedelta, at: datetime) -> str:
    text = api_keys.new_key()
    domain.rotate(key, domain.current(key).prefix, domain.new_secret(text, at=at), grace=grace, at=at)
    return text


def test_after_a_rotation_both_texts_open_until_the_grace_is_over() -> None:
    old = api_keys.new_key()
    key = a_key(old)

    new = rotated(key, grace=HOUR, at=NOON)

    almost = NOON + HOUR - timedelta(microseconds=1)
    assert domain.opened(key, old, at=almost).valid_until == NOON + HOUR
    assert domain.opened(key, new, at=almost).valid_until is None
    assert domain.opened(key, new, at=NOON + HOUR)
    with pytest.raises(domain.ApiKeyIsNotValid):
        domain.opened(key, old, at=NOON + HOUR)


def test_a_rotation_without_grace_ends_all_texts_from_before() -> None:
    first = api_keys.new_key()
    key = a_key(first)
    second = rotated(key, grace=HOUR, at=NOON)

    third = rotated(key, grace=timedelta(0), at=NOON)

    assert domain.opened(key, third, at=NOON)
    for old in (first, second):
        with pytest.raises(domain.ApiKeyIsNotValid):
            domain.opened(key, old, at=NOON)
    assert domain.retiring(key, at=NOON) == []


def test_a_longer_grace_later_does_not_prolong_what_was_ending() -> None:
    first = api_keys.new_key()
    key = a_key(first)
    rotated(key, grace=HOUR, at=NOON)

    rotated(key, grace=10 * HOUR, at=NOON)

    assert [until - NOON for _, until in domain.retiring(key, at=NOON)] == [HOUR, 10 * HOUR]


def test_a_rotation_of_a_text_that_was_replaced_is_refused() -> None:
    key = a_key()
    before = domain.current(key).prefix
    rotated(key, grace=HOUR, at=NOON)
    new = domain.current(key)

    with pytest.raises(domain.ApiKeyWasRotated, match=new.prefix):
        domain.rotate(key, before, domain.new_secret(api_keys.new_key(), at=NOON), grace=HOUR, at=NOON)

    assert domain.current(key) is new


@pytest.mark.parametrize("over", [{"revoked_at": NOON}, {"expires_at": NOON}])
def test_what_is_over_is_not_rotated(over: dict[str, Any]) -> None:
    with pytest.raises(domain.ApiKeyIsOver):
        rotated(a_key(**over), grace=HOUR, at=NOON)


def test_an_own_reach_changes_only_own_keys() -> None:
    key = a_key()

    domain.may_change(key, person_id=key.person_id, reach=Scope.OWN)
    domain.may_change(key, person_id=new_id(), reach=Scope.ANY)
    with pytest.raises(domain.ApiKeyIsNotYours):
        domain.may_change(key, person_id=new_id(), reach=Scope.OWN)


def test_nobody_rotates_the_key_of_another() -> None:
    key = a_key()

    domain.may_rotate(key, person_id=key.person_id)
    with pytest.raises(domain.ApiKeyIsNotYours):
        domain.may_rotate(key, person_id=new_id())


def test_the_number_of_keys_has_an_end() -> None:
    domain.make_room(domain.MOST_KEYS - 1)

    with pytest.raises(domain.TooManyApiKeys):
        domain.make_room(domain.MOST_KEYS)


def test_the_last_use_is_noted_once_in_a_while() -> None:
    assert not domain.is_use_noted(a_key(), at=NOON)
    assert domain.is_use_noted(a_key(last_used_at=NOON), at=NOON + domain.LAST_USED_STEP / 2)
    assert not domain.is_use_noted(a_key(last_used_at=NOON), at=NOON + domain.LAST_USED_STEP)
