"""Who asks in the fuzz test: an organization of its own, made anew when a request has ended somebody of it."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx2
from apps import AuthenticatorApp, set_up
from conftest import Platform
from mails import Mails
from matrix import Route, example_body, filled, find_id
from people import Person, claims, make_person, make_role, permissions_in, things
from poisoning import Poison
from test_matrix import HARMLESS
from test_strangers import BODIES
from world import Account, log_in, make_api_key, register, verify_email

NOBODY, LEARNER, OWNER, OPERATOR = "nobody", "learner", "owner", "operator"
#: Well before what is dangerous takes another proof.
RECENT_SECONDS = 400
SERVICES = ("auth", "content", "ai", "analytics", "feed")


@dataclass
class Callers:
    api: httpx2.Client
    platform: Platform
    #: Address and password.
    operator: tuple[str, str]
    people: dict[str, Person] = field(default_factory=dict)
    _doubted: set[str] = field(default_factory=set)
    _bystander: Account | None = None
    _with_app: AuthenticatorApp | None = None

    def of(self, route: Route) -> list[str]:
        """Who asks, who may do the most first."""
        if route.permission is None:
            return [NOBODY]
        return [OPERATOR] if route.is_for_operators else [OWNER, LEARNER]

    def get(self, name: str) -> tuple[dict[str, str], dict[str, str]]:
        """Their headers, and what is theirs."""
        if name == NOBODY:
            return {}, {}
        person = self.person(name)
        return person.headers, person.ids

    def person(self, name: str) -> Person:
        known = self.people.get(name)
        if known and (name in self._doubted or not _is_recent(known.account)) and not self._is_there(known):
            del self.people[name]
        self._doubted.discard(name)
        if name not in self.people:
            makers = {LEARNER: self._join_learner, OWNER: self._found_organization, OPERATOR: self._log_operator_in}
            makers[name]()
        return self.people[name]

    def doubt(self) -> None:
        """Something was changed: see whether somebody is still there before they ask again."""
        self._doubted = set(self.people)

    def newcomer(self) -> Account:
        """Somebody with an organization of their own, whom nobody misses afterwards."""
        return register(self.api)

    def bystander(self) -> Account:
        """One whom no request is to harm: a log-in takes its time."""
        if self._bystander is None or not self._answers(self._bystander):
            self._bystander = self.newcomer()
        return self._bystander

    @cached_property
    def outsider(self) -> Account:
        """One whose organization is suspended and resumed."""
        return self.newcomer()

    def new_address(self) -> str:
        return f"{secrets.token_hex(8)}@example.com"

    @cached_property
    def mails(self) -> Mails:
        return Mails(self.api, self.platform)

    @cached_property
    def poison(self) -> Poison:
        return Poison(self.api, self.platform)

    def with_app(self) -> AuthenticatorApp:
        """Somebody whose log-in takes a second factor, with recovery codes left."""
        kept = self._with_app
        if kept is None or not kept.recovery_codes or not self._answers(kept.account):
            kept = self._with_app = set_up(self.api, self.newcomer())
        return kept

    def _is_there(self, person: Person) -> bool:
        """Whether they can still ask; whose log-in alone has ended logs in again."""
        if self._answers(person.account):
            return True
        answer = self.api.post("/api/v1/auth/login", json={"email": person.account.email, "password": person.password})
        if not answer.is_success or not answer.json().get("organization_id"):
            return False
        person.account = log_in(self.api, person.account.email, person.password)
        return self._answers(person.account)

    def _answers(self, account: Account) -> bool:
        """Whether they may do all that is theirs to do; who proved long ago who they are may not."""
        answer = self.api.get("/api/v1/auth/me", headers=account.headers)
        return _is_recent(account) and answer.status_code == httpx2.codes.OK

    def _found_organization(self) -> None:
        owner = register(self.api)
        verify_email(self.api, owner, self.platform.stoa)
        owner = log_in(self.api, owner.email)
        make_role(self.api, owner)
        ids = things(self.api, owner, None) | {"api_key_id": make_api_key(self.api, owner)}
        self.people[OWNER] = Person(OWNER, owner, permissions_in(owner), ids)
        self._join_learner()

    def _join_learner(self) -> None:
        owner = self.person(OWNER)
        if LEARNER in self.people:
            return
        learner = make_person(self.api, owner.account, LEARNER, owner.ids, self.platform.stoa)
        # Their own go before what belongs to all.
        learner.ids.update({**owner.ids, **learner.ids})
        owner.ids.update({name: found for name, found in learner.ids.items() if name not in owner.ids})
        self.people[LEARNER] = learner

    def _log_operator_in(self) -> None:
        account = log_in(self.api, *self.operator)
        ids = self.person(OWNER).ids
        known = ids | {f"{service}.group": f"{service}.privacy" for service in SERVICES} | {"topic": "auth.user"}
        self.people[OPERATOR] = Person(OPERATOR, account, permissions_in(account), known, self.operator[1])


def _is_recent(account: Account) -> bool:
    issued_at: int = claims(account.headers["Authorization"])["iat"]
    return time.time() - issued_at < RECENT_SECONDS


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
