"""Registering: one answer for all, one account an address, an organization of one's own."""

import asyncio

import pytest

from stoa_common.database import Database
from stoa_common.personal_keys import open_field
from stoa_common.testing import Delivery
from stoa_events.contracts import MemberJoined, OrganizationCreated, UserRegistered

from .conftest import PASSWORD, Doors, an_address


async def test_a_newcomer_founds_an_organization_and_is_its_admin(doors: Doors) -> None:
    ada = await doors.newcomer(organization_name="Analytical Engines")

    answer = await doors.client.get("/api/v1/auth/organizations", headers=ada.headers)

    [organization] = answer.json()["items"]
    assert (organization["name"], organization["roles"]) == ("Analytical Engines", ["owner"])
    assert organization["id"] == ada.organization_id


async def test_the_facts_of_a_registration_are_recorded(doors: Doors, delivery: Delivery) -> None:
    ada = await doors.newcomer(name="Ada Lovelace", organization_name="Analytical Engines")

    [registered] = [e for e in await delivery.recorded(UserRegistered) if str(e.person_id) == ada.person_id]
    [created] = [
        e for e in await delivery.recorded(OrganizationCreated) if str(e.organization_id) == ada.organization_id
    ]
    [joined] = [e for e in await delivery.recorded(MemberJoined) if str(e.person_id) == ada.person_id]

    assert registered.registered_at == joined.joined_at or registered.registered_at < joined.joined_at
    assert created.name == "Analytical Engines"
    assert (str(joined.organization_id), joined.roles) == (ada.organization_id, ["owner"])


async def test_personal_fields_are_recorded_sealed_and_readable_by_their_key(
    doors: Doors, delivery: Delivery, database: Database
) -> None:
    ada = await doors.newcomer(name="Ada Lovelace")

    [event] = [e for e in await delivery.recorded(UserRegistered) if str(e.person_id) == ada.person_id]

    assert ada.email not in event.model_dump_json()
    assert "Lovelace" not in event.model_dump_json()
    async with database.transaction() as session:
        assert await open_field(session, "email", event.email) == ada.email
        assert await open_field(session, "name", event.name) == "Ada Lovelace"


async def test_the_answer_is_the_same_whoever_exists(doors: Doors) -> None:
    known = await doors.newcomer()

    unknown_answer = await doors.register(an_address())
    known_answer = await doors.register(known.email)

    assert (known_answer.status_code, known_answer.json()) == (202, unknown_answer.json())
    assert known_answer.headers.keys() == unknown_answer.headers.keys()


async def test_registering_again_changes_nothing(doors: Doors, delivery: Delivery) -> None:
    ada = await doors.newcomer(organization_name="First")

    await doors.register(ada.email.upper(), password="another password", organization_name="Second")

    assert (await doors.log_in(ada.email, password="another password")).status_code == 401
    again = await doors.enter(ada.email)
    organizations = await doors.client.get("/api/v1/auth/organizations", headers=again.headers)
    assert [o["name"] for o in organizations.json()["items"]] == ["First"]


async def test_twenty_parallel_registrations_of_one_address_make_one_account(doors: Doors, delivery: Delivery) -> None:
    email = an_address()

    answers = await asyncio.gather(*(doors.register(email) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {202}
    ada = await doors.enter(email)
    registered = [e for e in await delivery.recorded(UserRegistered) if str(e.person_id) == ada.person_id]
    assert len(registered) == 1
    organizations = await doors.client.get("/api/v1/auth/organizations", headers=ada.headers)
    assert len(organizations.json()["items"]) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "not an address"),
        ("password", "ninechars"),
        ("password", "p" * 129),
        ("name", "a\u0000b"),
        ("organization_name", " "),
        ("invitation", "x" * 201),
        ("role", "admin"),
    ],
)
async def test_a_wrong_field_is_named_and_its_value_is_not_repeated(doors: Doors, field: str, value: str) -> None:
    answer = await doors.register(**{"email": an_address(), field: value})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert value.strip() == "" or value not in answer.text


async def test_what_accounts_hold_is_shown_to_the_person(doors: Doors) -> None:
    ada = await doors.newcomer(name="Ada")

    answer = await doors.client.get("/api/v1/auth/me", headers=ada.headers)

    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["id"], shown["email"], shown["name"], shown["operator"]) == (ada.person_id, ada.email, "Ada", False)
    assert PASSWORD not in answer.text
    assert "argon2" not in answer.text
