"""Who asks in the fuzz test: an organization of its own, made anew when a request has ended somebody of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from matrix import Route, example_body, filled, find_id
from people import Person, make_person, make_role, ok, permissions_in, things
from test_matrix import HARMLESS
from test_strangers import BODIES
from world import Stoa, log_in, make_api_key, register, verify_email

NOBODY, LEARNER, OWNER, OPERATOR = "nobody", "learner", "owner", "operator"
SERVICES = ("auth", "content", "ai", "analytics", "feed")


@dataclass
class Callers:
    api: httpx2.Client
    stoa: Stoa
    #: Address and password.
    operator: tuple[str, str]
    people: dict[str, Person] = field(default_factory=dict)

    def of(self, route: Route) -> list[str]:
        """Who asks, who may do the most first."""
        if route.permission is None:
            return [NOBODY]
        return [OPERATOR] if route.is_for_operators else [OWNER, LEARNER]

    def get(self, name: str) -> tuple[dict[str, str], dict[str, str]]:
        """Their headers, and what is theirs."""
        if name == NOBODY:
            return {}, {}
        if not self._is_there(name):
            makers = {LEARNER: self._join_learner, OWNER: self._found_organization, OPERATOR: self._log_operator_in}
            makers[name]()
        person = self.people[name]
        return person.headers, person.ids

    def _is_there(self, name: str) -> bool:
        """Whether they can still ask; whose log-in alone has ended logs in again."""
        if name not in self.people:
            return False
        person = self.people[name]
        if self._answers(person):
            return True
        answer = self.api.post("/api/v1/auth/login", json={"email": person.account.email, "password": person.password})
        if not answer.is_success or not answer.json().get("organization_id"):
            return False
        person.account = log_in(self.api, person.account.email, person.password)
        return self._answers(person)

    def _answers(self, person: Person) -> bool:
        return self.api.get("/api/v1/auth/me", headers=person.headers).status_code == httpx2.codes.OK

    def _found_organization(self) -> None:
        owner = register(self.api)
        verify_email(self.api, owner, self.stoa)
        owner = log_in(self.api, owner.email)
        make_role(self.api, owner)
        ids = things(self.api, owner, None) | {"api_key_id": make_api_key(self.api, owner)}
        self.people[OWNER] = Person(OWNER, owner, permissions_in(owner), ids)
        self._join_learner()

    def _join_learner(self) -> None:
        self.get(OWNER)
        owner = self.people[OWNER]
        learner = make_person(self.api, owner.account, LEARNER, owner.ids, self.stoa)
        # Their own go before what belongs to all.
        learner.ids.update({**owner.ids, **learner.ids})
        owner.ids.update({name: found for name, found in learner.ids.items() if name not in owner.ids})
        self.people[LEARNER] = learner

    def _log_operator_in(self) -> None:
        account = log_in(self.api, *self.operator)
        _, ids = self.get(OWNER)
        known = ids | _groups(self.api, account.headers)
        self.people[OPERATOR] = Person(OPERATOR, account, permissions_in(account), known, self.operator[1])


def _groups(api: httpx2.Client, headers: Mapping[str, str]) -> dict[str, str]:
    """A consumer group of each service, and a topic that it reads."""
    told: dict[str, str] = {}
    for service in SERVICES:
        listed = ok(api.get(f"/api/v1/{service}/messaging/groups", headers=headers))["items"]
        if listed:
            told |= {f"{service}.group": listed[0]["group"], f"{service}.topic": listed[0]["topics"][0]}
    return told


def ids_at(route: Route, ids: Mapping[str, str]) -> dict[str, str]:
    """The caller's things by the names that the route's service gives them."""
    names = {name.rpartition(".")[2] for name in ids}
    return {name: found for name in names if (found := find_id(name, route.service, ids))}


def sound_body(route: Route, ids: Mapping[str, str], document: Mapping[str, Any]) -> Any:
    """A body that the route takes, about what is the caller's."""
    body = HARMLESS.get(route.name, BODIES.get(route.name, example_body(route, document)))
    body = filled(body, route.service, ids)
    if isinstance(body, dict):
        known = ids_at(route, ids)
        return {name: known.get(name, part) if isinstance(part, str) else part for name, part in body.items()}
    return body
