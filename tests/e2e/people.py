"""One person of each role, with what belongs to them; and a second organization that has the same things."""

import base64
import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import httpx2
from world import (
    PASSWORD,
    Account,
    Stoa,
    World,
    begin_authenticator,
    import_course,
    lessons_of,
    log_in,
    make_api_key,
    make_client,
    make_scim_group,
    make_scim_user,
    make_webhook,
    register,
    take_quiz,
    verify_email,
)

from stoa_common.permissions import Role

ROLES = [str(role) for role in Role if role is not Role.OPERATOR]
#: A role of an organization's own.
CUSTOM, CUSTOM_PERMISSIONS = "curator", ["course:read", "enrollment:read", "api-key:read", "api-key:write:own"]
AUTH = "/api/v1/auth"
RENEWED_SECONDS = 240


@dataclass(eq=False)
class Person:
    """Somebody of one role."""

    role: str
    account: Account
    held: frozenset[str]
    #: What belongs to them alone.
    ids: dict[str, str]
    password: str = PASSWORD

    def stay_logged_in(self, api: httpx2.Client) -> None:
        """A busy machine takes longer for all routes than an access token lasts."""
        if claims(self.account.headers["Authorization"])["exp"] - time.time() < RENEWED_SECONDS:
            self.account = log_in(api, self.account.email, self.password)

    @property
    def headers(self) -> dict[str, str]:
        return self.account.headers

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name.rpartition(".")[2] for name in self.ids)


@dataclass(frozen=True)
class Population:
    people: dict[str, Person]
    operator: Person
    #: Who founded the organization of `people`.
    founder: Person
    #: What belongs to the organization of `people`.
    ids: dict[str, str]
    #: The same of another organization, and of its people.
    others: dict[str, str]

    def colleague_of(self, person: Person, names: Collection[str]) -> Person:
        """Somebody else of the organization, who has what is named where anybody has."""
        others = [other for other in self.people.values() if other is not person]
        return max(others, key=lambda other: len(other.names.intersection(names)))

    @property
    def owner(self) -> Account:
        return self.founder.account

    @property
    def personal(self) -> frozenset[str]:
        """The names of what belongs to a person, and not to their organization."""
        return frozenset().union(*(person.names for person in self.people.values()))


def ok(answer: httpx2.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def permissions_in(account: Account) -> frozenset[str]:
    """What the access token says; whether that is right, services decide, and not this reader."""
    return frozenset(claims(account.headers["Authorization"])["permissions"])


def populate(api: httpx2.Client, world: World, stoa: Stoa, operator: tuple[str, str]) -> Population:
    """Everybody has logged in just now, so that step-up is no matter."""
    owner = log_in(api, world.owner.email)
    others_owner = register(api)
    verify_email(api, others_owner, stoa)
    make_role(api, owner)
    here, there = things(api, owner, world.ids["course_id"]), things(api, others_owner, None)
    people = {role: make_person(api, owner, role, here, stoa) for role in [*ROLES, CUSTOM]}
    there |= make_person(api, others_owner, "learner", there, stoa).ids
    for person in people.values():
        person.account = log_in(api, person.account.email)
    return Population(people, _known(api, "operator", *operator), _known(api, "owner", owner.email), here, there)


def _known(api: httpx2.Client, role: str, email: str, password: str = PASSWORD) -> Person:
    account = log_in(api, email, password)
    return Person(role, account, permissions_in(account), {}, password)


def things(api: httpx2.Client, owner: Account, course_id: str | None) -> dict[str, str]:
    """A course and what else belongs to an organization; each has the names of the paths' parameters."""
    job: dict[str, str] = {}
    if course_id is None:
        job["content.job_id"], course_id = import_course(api, owner)
        ok(api.post(f"/api/v1/content/courses/{course_id}/publish", headers=owner.headers))
    lessons = lessons_of(ok(api.get(f"/api/v1/content/courses/{course_id}", headers=owner.headers)))
    return job | {
        "organization_id": owner.organization_id,
        "course_id": course_id,
        "lesson_id": lessons[0]["id"],
        "quiz_id": next(lesson["quiz_id"] for lesson in lessons if lesson["quiz_id"]),
        "webhook_id": make_webhook(api, owner),
        "client_id": make_client(api, owner),
        "user_id": make_scim_user(api, owner),
        "group_id": make_scim_group(api, owner),
        # Whom admins act upon.
        "person_id": join(api, owner, "learner").person_id,
        "invitation_id": ok(invite(api, owner, "learner"))["id"],
        "name": CUSTOM,
        # A real one would be sent to the webhook's address; whoever is refused here is refused at the webhook.
        "delivery_id": "01990000-0000-7000-8000-000000000000",
        # Made with an OpenID provider that answers, which is none here.
        "connection_id": "01990000-0000-7000-8000-000000000000",
        "identity_id": "01990000-0000-7000-8000-000000000000",
    }


def make_role(api: httpx2.Client, owner: Account) -> None:
    role = {"name": CUSTOM, "description": "For tests", "permissions": CUSTOM_PERMISSIONS}
    ok(api.post(f"{AUTH}/organizations/{owner.organization_id}/roles", json=role, headers=owner.headers))


def invite(api: httpx2.Client, owner: Account, role: str) -> httpx2.Response:
    path = f"{AUTH}/organizations/{owner.organization_id}/invitations"
    return api.post(path, json={"roles": [role]}, headers=owner.headers)


def join(api: httpx2.Client, owner: Account, role: str) -> Account:
    return register(api, invitation=ok(invite(api, owner, role))["token"])


def make_person(api: httpx2.Client, owner: Account, role: str, here: dict[str, str], stoa: Stoa) -> Person:
    account = join(api, owner, role)
    held = permissions_in(account)
    if "member:write" in held:
        # Whoever invites others has shown their address.
        verify_email(api, account, stoa)
    makers: dict[str, tuple[str, Callable[[], str]]] = {
        "session_id": ("account:read:own", lambda: fresh_session(api, account)),
        "api_key_id": ("api-key:write:own", lambda: make_api_key(api, account)),
        "factor_id": ("account:write:own", lambda: begin_authenticator(api, account)),
        "enrollment_id": ("enrollment:create:own", lambda: enroll(api, account, here["course_id"])),
        "attempt_id": ("attempt:create:own", lambda: str(take_quiz(api, account, here["quiz_id"])["id"])),
        "content.job_id": ("course:write", lambda: import_course(api, account)[0]),
        "auth.job_id": ("account:write:own", lambda: ask_for_export(api, account)),
        "export_id": ("account:read:own", lambda: find_export(api, account)),
    }
    ids = {name: make() for name, (permission, make) in makers.items() if permission in held}
    return Person(role, account, held, ids)


def enroll(api: httpx2.Client, account: Account, course_id: str) -> str:
    path = f"/api/v1/content/courses/{course_id}/enrollments"
    return str(ok(api.post(path, headers=account.headers))["id"])


def ask_for_export(api: httpx2.Client, account: Account) -> str:
    """The job that collects it."""
    return str(ok(api.post(f"{AUTH}/me/exports", headers=account.headers))["id"])


def find_export(api: httpx2.Client, account: Account) -> str:
    return str(ok(api.get(f"{AUTH}/me/exports", headers=account.headers))["items"][0]["id"])


def fresh_session(api: httpx2.Client, account: Account) -> str:
    """One that may be ended."""
    told = ok(api.post(f"{AUTH}/login", json={"email": account.email, "password": PASSWORD}))
    return str(claims(told["access_token"])["sid"])


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return told
