"""The matrix: every route x every role x one's own, a colleague's, another organization's.

What is expected follows from the route's `x-permission` in the gateway's document (`matrix.expected`). A new route
is in it by itself. Where it names something that nobody here has, or wants a body that cannot be guessed, the test
says which line is missing.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from conftest import Platform
from matrix import Expected, Route, Whose, example_body, expected, filled, find_id, routes
from people import ROLES, Person, Population, fresh_session, invite, join, ok, populate
from test_strangers import BODIES, NOBODYS
from world import (
    World,
    begin_authenticator,
    make_api_key,
    make_client,
    make_scim_group,
    make_scim_user,
    make_webhook,
)

from stoa_common import permissions
from stoa_devkit.environment import OPERATOR_EMAIL

AUTH, FEED = "/api/v1/auth", "/api/v1/feed"
MEMBER = f"{AUTH}/organizations/{{organization_id}}/members/{{person_id}}"
#: Bodies that change nothing where they are taken; else BODIES of test_strangers, else the least that the schema takes.
HARMLESS: dict[str, Any] = {
    f"PATCH {MEMBER}": {"roles": ["learner"]},
    f"PATCH {AUTH}/organizations/{{organization_id}}/roles/{{name}}": {},
    f"PATCH {FEED}/webhooks/{{webhook_id}}": {"description": "ours"},
    "PUT /api/v1/content/courses/{course_id}/visibility": {"visibility": "organization"},
}
#: Operators see all organizations, and what their events add up to, and these routes are how.
SEEN_BY_OPERATORS = {f"GET {AUTH}/organizations/{{organization_id}}", "GET /api/v1/analytics/events/summary"}
#: Nobody here has one: who may ask for theirs may be told that it is not there.
MAY_BE_MISSING = {"client_id", "connection_id", "delivery_id", "factor_id", "identity_id"}
#: Whoever may do this is gone afterwards, or their token is: not tried, the feature's own tests do.
ENDS_ITS_CALLER = {f"POST {AUTH}/organizations/{{organization_id}}/leave", f"POST {AUTH}/sessions/switch"}
#: Nobody does this with what is somebody else's, whatever they may: the new text of a key acts for its person.
ONLY_ONES_OWN = {f"POST {AUTH}/api-keys/{{api_key_id}}/rotate"}
#: What a tried request uses up, made for it just before.
FRESH: dict[str, Callable[[httpx2.Client, Population, Person], dict[str, str]]] = {
    f"DELETE {AUTH}/sessions/{{session_id}}": lambda api, _, person: {"session_id": fresh_session(api, person.account)},
    f"DELETE {AUTH}/api-keys/{{api_key_id}}": lambda api, _, person: {"api_key_id": make_api_key(api, person.account)},
    # Beginning another forgets the one that was begun before.
    **{
        f"{method} {AUTH}/factors/{rest}": lambda api, _, person: {
            "factor_id": begin_authenticator(api, person.account)
        }
        for method, rest in (
            *(("PATCH", "{factor_id}"), ("DELETE", "{factor_id}")),
            ("POST", "authenticators/{factor_id}/confirm"),
        )
    },
    f"DELETE {MEMBER}": lambda api, all_, _: {"person_id": join(api, all_.owner, "learner").person_id},
    f"DELETE {AUTH}/organizations/{{organization_id}}/invitations/{{invitation_id}}": lambda api, all_, _: {
        "invitation_id": ok(invite(api, all_.owner, "learner"))["id"]
    },
    f"DELETE {AUTH}/clients/{{client_id}}": lambda api, all_, _: {"client_id": make_client(api, all_.owner)},
    "DELETE /scim/v2/Users/{user_id}": lambda api, all_, _: {"user_id": make_scim_user(api, all_.owner)},
    "DELETE /scim/v2/Groups/{group_id}": lambda api, all_, _: {"group_id": make_scim_group(api, all_.owner)},
    f"DELETE {FEED}/webhooks/{{webhook_id}}": lambda api, all_, _: {"webhook_id": make_webhook(api, all_.owner)},
}


@dataclass(frozen=True)
class Cell:
    """One request, and what it must be answered."""

    route: Route
    person: Person
    whose: Whose
    body: Any
    expected: Expected

    @property
    def names(self) -> list[str]:
        return self.route.names(self.body)

    @property
    def is_tried(self) -> bool:
        """A refusal harms nobody. What is done is tried where it names something, or only reads."""
        if self.expected is not Expected.ANSWERED:
            return True
        return (bool(self.names) or self.route.method == "GET") and self.route.name not in ENDS_ITS_CALLER

    def fits(self, status: int) -> bool:
        is_missing = status == 404 and not MAY_BE_MISSING.isdisjoint(self.names)
        return self.expected.fits(status) or (self.expected is Expected.ANSWERED and is_missing)


@pytest.fixture(scope="module")
def document(api: httpx2.Client) -> dict[str, Any]:
    told: dict[str, Any] = api.get("/openapi.json").json()
    return told


@pytest.fixture(scope="module")
def population(api: httpx2.Client, world: World, platform: Platform) -> Population:
    email, password = OPERATOR_EMAIL, platform.environment["AUTH_OPERATOR_PASSWORD"]
    return populate(api, world, platform.stoa, (email, password))


def body_of(route: Route, document: dict[str, Any]) -> Any:
    return HARMLESS.get(route.name, BODIES.get(route.name, example_body(route, document)))


def cells(document: dict[str, Any], population: Population) -> Iterator[Cell]:
    for route in routes(document):
        if route.permission is None:
            continue
        body = body_of(route, document)
        is_personal = not population.personal.isdisjoint(route.names(body))
        for person in [*population.people.values(), population.operator]:
            for whose in Whose if route.names(body) else [Whose.OWN]:
                if person is population.operator and whose is not Whose.OTHER and route.names(body):
                    continue
                wanted = expected(route.permission, held=person.held, whose=whose, is_personal=is_personal)
                if route.name in ONLY_ONES_OWN and whose is Whose.SAME and wanted is Expected.ANSWERED:
                    wanted = Expected.REFUSED
                yield Cell(route, person, whose, body, _for_operators(route, person, wanted))


def _for_operators(route: Route, person: Person, wanted: Expected) -> Expected:
    """To operators all organizations are others; what is the platform's is theirs."""
    if person.role != "operator":
        return wanted
    if route.is_for_operators and wanted is Expected.MISSING:
        return Expected.LET_IN
    return Expected.ANSWERED if route.name in SEEN_BY_OPERATORS else wanted


def ids_of(cell: Cell, population: Population) -> dict[str, str] | None:
    """The examples for the cell; None where such a person has none of their own (a job of who starts none)."""
    if cell.route.is_for_operators:
        return dict(NOBODYS) | {"person_id": NOBODY, "organization_id": NOBODY, "session_id": NOBODY}
    theirs = {
        Whose.OWN: population.ids | cell.person.ids,
        Whose.SAME: population.ids | population.colleague_of(cell.person, cell.names).ids,
        # An operator meets this organization's things as another's.
        Whose.OTHER: population.ids | population.people["owner"].ids
        if cell.person.role == "operator"
        else population.others,
    }[cell.whose]
    lacking = [name for name in cell.names if find_id(name, cell.route.service, theirs) is None]
    return None if lacking else theirs


NOBODY = "01990000-0000-7000-8000-000000000000"


def ask(api: httpx2.Client, cell: Cell, ids: dict[str, str]) -> str | None:
    """What is wrong with the answer; None where nothing is."""
    path, body = (filled(part, cell.route.service, ids) for part in (cell.route.path, cell.body))
    cell.person.stay_logged_in(api)
    # Streams answer for as long as they are read: the status is enough.
    with api.stream(cell.route.method, path, json=body, headers=cell.person.headers) as answer:
        if cell.fits(answer.status_code):
            return None
        told = answer.read()[:200].decode(errors="replace") if "event-stream" not in str(answer.headers) else ""
    return f"{cell.route.name} as {cell.person.role}, {cell.whose}: {answer.status_code}, not {cell.expected}. {told}"


def test_every_route_has_an_example_of_all_that_it_names(document: dict[str, Any], population: Population) -> None:
    everybody = [population.ids, population.others, *(person.ids for person in population.people.values())]
    missing = [
        f"{route.name}: {name}"
        for route in routes(document)
        if route.permission and not route.is_for_operators
        for name in route.names(body_of(route, document))
        if all(find_id(name, route.service, ids) is None for ids in everybody) and name not in MAY_BE_MISSING
    ]

    instead = "Add what an organization has to `things` of people.py, and what a person has to `make_person`."
    assert not missing, "\n".join([*missing, instead])


def test_a_role_is_worth_what_its_permissions_say(population: Population) -> None:
    for role, person in population.people.items():
        if role in ROLES:
            assert person.held == permissions.of_roles([role]) | permissions.OF_EVERYBODY
    assert population.operator.held == permissions.of_roles(["operator"])


def test_every_route_answers_every_role_as_its_permission_says(
    api: httpx2.Client, document: dict[str, Any], population: Population
) -> None:
    asked = [
        (cell, ids)
        for cell in cells(document, population)
        if cell.is_tried and (ids := ids_of(cell, population)) is not None
    ]
    refused = [(cell, ids) for cell, ids in asked if cell.expected is not Expected.ANSWERED]
    answered = [(cell, ids) for cell, ids in asked if cell.expected is Expected.ANSWERED]
    # What is gone answers nobody.
    answered.sort(key=lambda each: each[0].route.method == "DELETE")

    with ThreadPoolExecutor(4) as pool:
        wrong = [found for found in pool.map(lambda each: ask(api, *each), refused) if found]
    for cell, ids in answered:
        population.founder.stay_logged_in(api)
        fresh = FRESH.get(cell.route.name)
        of_whom = population.colleague_of(cell.person, cell.names) if cell.whose is Whose.SAME else cell.person
        wrong += filter(None, [ask(api, cell, ids | (fresh(api, population, of_whom) if fresh else {}))])

    assert len(refused) > 500
    assert len(answered) > 200
    assert not wrong, f"{len(wrong)} of {len(asked)}:\n" + "\n".join(wrong)


def test_to_change_what_is_not_ones_own_is_refused_to_who_sees_it_and_missing_to_others() -> None:
    def answer(*held: str, whose: Whose) -> Expected:
        return expected("api-key:write", held=held, whose=whose, is_personal=True)

    own = "api-key:write:own"
    assert answer("api-key:read:own", whose=Whose.OWN) is Expected.REFUSED
    assert answer(own, whose=Whose.OWN) is Expected.ANSWERED
    assert answer(own, whose=Whose.SAME) is Expected.MISSING
    assert answer(own, "api-key:read", whose=Whose.SAME) is Expected.REFUSED
    assert answer("api-key:write", whose=Whose.SAME) is Expected.ANSWERED
    assert answer("api-key:write", whose=Whose.OTHER) is Expected.MISSING
