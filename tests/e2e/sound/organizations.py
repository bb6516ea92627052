"""Organizations with their members, roles, keys and directories; courses and webhooks."""

import secrets

from callers import LEARNER, OPERATOR, OWNER, Callers
from people import invite, join, ok
from world import (
    LESSON,
    archive,
    import_course,
    make_api_key,
    make_scim_group,
    make_scim_user,
    make_webhook,
)

from sound.asked import Asked, Recipes

AUTH, CONTENT, FEED = "/api/v1/auth", "/api/v1/content", "/api/v1/feed"
HERE = f"{AUTH}/organizations/{{organization_id}}"
MEMBER = f"{HERE}/members/{{person_id}}"
USER, GROUP = "urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:core:2.0:Group"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


def _free_organization(callers: Callers) -> Asked:
    """Another, which nobody has suspended."""
    return _organization_in_state(callers, "resume")


def _suspended_organization(callers: Callers) -> Asked:
    return _organization_in_state(callers, "suspend")


def _organization_in_state(callers: Callers, change: str) -> Asked:
    ids = {"organization_id": callers.outsider.organization_id}
    # What is in that state already is refused.
    callers.api.post(f"{HERE.format(**ids)}/{change}", headers=callers.person(OPERATOR).headers)
    return Asked(ids=ids)


def _free_member(callers: Callers) -> Asked:
    return _member_in_state(callers, "resume")


def _suspended_member(callers: Callers) -> Asked:
    return _member_in_state(callers, "suspend")


def _member_in_state(callers: Callers, change: str) -> Asked:
    owner = callers.person(OWNER)
    callers.api.post(f"{MEMBER.format(**owner.ids)}/{change}", headers=owner.headers)
    return Asked(ids={"person_id": owner.ids["person_id"]})


def _new_member(callers: Callers) -> Asked:
    return Asked(ids={"person_id": join(callers.api, callers.person(OWNER).account, LEARNER).person_id})


def _leaver(callers: Callers) -> Asked:
    return Asked(headers=join(callers.api, callers.person(OWNER).account, LEARNER).headers)


def _invited(callers: Callers) -> Asked:
    invitation = ok(invite(callers.api, callers.person(OWNER).account, LEARNER))
    return Asked(headers=callers.newcomer().headers, body={"invitation": invitation["token"]})


def _open_invitation(callers: Callers) -> Asked:
    return Asked(ids={"invitation_id": ok(invite(callers.api, callers.person(OWNER).account, LEARNER))["id"]})


def _new_role(callers: Callers) -> Asked:
    return Asked(body={"name": f"r{secrets.token_hex(4)}", "description": "For tests", "permissions": ["course:read"]})


def _unused_role(callers: Callers) -> Asked:
    owner, wanted = callers.person(OWNER), _new_role(callers).body
    path = HERE.format(organization_id=owner.account.organization_id)
    ok(callers.api.post(f"{path}/roles", json=wanted, headers=owner.headers))
    return Asked(ids={"name": wanted["name"]})


def _key(callers: Callers) -> Asked:
    return Asked(ids={"api_key_id": make_api_key(callers.api, callers.person(OWNER).account)})


def _rotated_key(callers: Callers) -> Asked:
    made = _key(callers)
    path = f"{AUTH}/api-keys/{made.ids['api_key_id']}"
    prefix = ok(callers.api.get(path, headers=callers.person(OWNER).headers))["prefix"]
    return Asked(ids=made.ids, body={"prefix": prefix})


def _draft(callers: Callers) -> Asked:
    return Asked(ids={"course_id": import_course(callers.api, callers.person(OWNER).account)[1]})


def _public(callers: Callers) -> Asked:
    owner = callers.person(OWNER)
    path = f"{CONTENT}/courses/{owner.ids['course_id']}/visibility"
    ok(callers.api.put(path, json={"visibility": "public"}, headers=owner.headers))
    return Asked(ids={name: owner.ids[name] for name in ("organization_id", "course_id")})


def _running_import(callers: Callers) -> Asked:
    owner = callers.person(OWNER)
    job = ok(callers.api.post(f"{CONTENT}/imports", content=archive(**{"01-lesson": LESSON}), headers=owner.headers))
    return Asked(ids={"job_id": job["id"]})


def _new_domain(callers: Callers) -> Asked:
    """One that no organization has."""
    owned = {"organization_id": callers.person(OWNER).account.organization_id}
    return Asked(ids={"domain": f"{secrets.token_hex(8)}.example.com"}, body=owned)


def _domain(callers: Callers) -> Asked:
    wanted, headers = _new_domain(callers), callers.person(OPERATOR).headers
    ok(callers.api.put(f"{AUTH}/sign-on-domains/{wanted.ids['domain']}", json=wanted.body, headers=headers))
    return Asked(ids=wanted.ids)


ORGANIZATIONS: Recipes = {
    f"POST {HERE}/suspend": _free_organization,
    f"POST {HERE}/resume": _suspended_organization,
    f"POST {HERE}/leave": _leaver,
    f"POST {MEMBER}/suspend": _free_member,
    f"POST {MEMBER}/resume": _suspended_member,
    f"DELETE {MEMBER}": _new_member,
    f"DELETE {AUTH}/administration/members/{{person_id}}/sessions": _free_member,
    f"POST {AUTH}/invitations/accept": _invited,
    f"DELETE {HERE}/invitations/{{invitation_id}}": _open_invitation,
    f"POST {HERE}/roles": _new_role,
    f"DELETE {HERE}/roles/{{name}}": _unused_role,
    f"POST {AUTH}/api-keys": lambda _: Asked(body={"name": "For tests", "scopes": ["course:read"]}),
    f"DELETE {AUTH}/api-keys/{{api_key_id}}": _key,
    f"POST {AUTH}/api-keys/{{api_key_id}}/rotate": _rotated_key,
    f"PUT {AUTH}/sign-on-domains/{{domain}}": _new_domain,
    f"DELETE {AUTH}/sign-on-domains/{{domain}}": _domain,
    "GET /scim/v2/ResourceTypes/{name}": lambda _: Asked(ids={"name": "User"}),
    "GET /scim/v2/Schemas/{urn}": lambda _: Asked(ids={"urn": USER}),
    "POST /scim/v2/Users/.search": lambda _: Asked(body={"schemas": [SEARCH]}),
    "POST /scim/v2/Groups/.search": lambda _: Asked(body={"schemas": [SEARCH]}),
    "POST /scim/v2/Users": lambda _: Asked(body={"schemas": [USER], "userName": secrets.token_hex(8)}),
    "POST /scim/v2/Groups": lambda _: Asked(body={"schemas": [GROUP], "displayName": secrets.token_hex(8)}),
    "DELETE /scim/v2/Users/{user_id}": lambda callers: Asked(
        ids={"user_id": make_scim_user(callers.api, callers.person(OWNER).account)}
    ),
    "DELETE /scim/v2/Groups/{group_id}": lambda callers: Asked(
        ids={"group_id": make_scim_group(callers.api, callers.person(OWNER).account)}
    ),
    f"POST {CONTENT}/courses/{{course_id}}/publish": _draft,
    f"POST {CONTENT}/courses/{{course_id}}/enrollments": lambda _: Asked(by=LEARNER),
    f"POST {CONTENT}/enrollments/{{enrollment_id}}/lessons/{{lesson_id}}/completion": lambda _: Asked(by=LEARNER),
    f"GET {CONTENT}/quizzes/{{quiz_id}}/attempts": lambda _: Asked(by=LEARNER),
    f"POST {CONTENT}/quizzes/{{quiz_id}}/attempts": lambda _: Asked(by=LEARNER),
    f"POST {CONTENT}/imports": lambda _: Asked(body=archive(**{"01-lesson": LESSON})),
    f"DELETE {CONTENT}/jobs/{{job_id}}": _running_import,
    f"GET {CONTENT}/public/{{organization_id}}": _public,
    f"GET {CONTENT}/public/{{organization_id}}/courses/{{course_id}}": _public,
    f"POST {FEED}/webhooks": lambda _: Asked(body={"url": "https://1.1.1.1/", "is_enabled": False}),
    f"DELETE {FEED}/webhooks/{{webhook_id}}": lambda callers: Asked(
        ids={"webhook_id": make_webhook(callers.api, callers.person(OWNER).account)}
    ),
}
