"""Accounts, log-ins, second factors and what operators do with people."""

from typing import Any

import pyotp
from callers import LEARNER, OPERATOR, OWNER, Callers
from people import ask_for_export, claims, find_export, fresh_session, ok
from world import PASSWORD, Account, begin_authenticator, log_in, wait_for_job

from sound.asked import Asked, Recipe, Recipes

AUTH = "/api/v1/auth"
PEOPLE = f"{AUTH}/administration/people/{{person_id}}"


def _of_a_newcomer(body: Any = None) -> Recipe:
    return lambda callers: Asked(headers=callers.newcomer().headers, body=body)


def _again(callers: Callers) -> Account:
    """The owner's, by a log-in of its own."""
    return log_in(callers.api, callers.person(OWNER).account.email)


def _register(callers: Callers) -> Asked:
    return Asked(body={"email": callers.new_address(), "password": PASSWORD, "name": "Ada"})


def _log_in(callers: Callers) -> Asked:
    return Asked(body={"email": callers.person(OWNER).account.email, "password": PASSWORD})


def _verify(callers: Callers) -> Asked:
    return Asked(body={"token": callers.mails.take("verify-email")})


def _reset_password(callers: Callers) -> Asked:
    return Asked(body={"token": callers.mails.take("reset-password"), "password": PASSWORD})


def _refresh(callers: Callers) -> Asked:
    return Asked(body={"refresh_token": _again(callers).refresh_token})


def _log_out(callers: Callers) -> Asked:
    return Asked(headers=_again(callers).headers)


def _step_up(callers: Callers) -> Asked:
    return Asked(headers=_again(callers).headers, body={"password": PASSWORD})


def _end_session(callers: Callers) -> Asked:
    return Asked(ids={"session_id": fresh_session(callers.api, callers.person(OWNER).account)})


def _second_factor(callers: Callers) -> Asked:
    app = callers.with_app()
    return Asked(body={"challenge": app.challenge(callers.api), "recovery_code": app.recovery_codes.pop()})


def _confirm(callers: Callers) -> Asked:
    account = callers.newcomer()
    begun = ok(callers.api.post(f"{AUTH}/factors/authenticators", json={}, headers=account.headers))
    code = pyotp.TOTP(begun["secret"]).now()
    return Asked(headers=account.headers, ids={"factor_id": begun["id"]}, body={"code": code})


def _begun_factor(callers: Callers) -> Asked:
    return Asked(ids={"factor_id": begin_authenticator(callers.api, callers.person(OWNER).account)})


def _recovery_codes(callers: Callers) -> Asked:
    app = callers.with_app()
    # The answer has others.
    app.recovery_codes.clear()
    return Asked(headers=app.account.headers)


def _about(recipe: Recipe, **body: Any) -> Recipe:
    """With a reason, as all that operators do with somebody."""

    def asked(callers: Callers) -> Asked:
        made = recipe(callers)
        return Asked(ids=made.ids, body={"reason": "A test", **body})

    return asked


def _free(callers: Callers) -> Asked:
    """A member of the owner's organization, whom nobody has suspended."""
    return _in_state(callers, "resume")


def _suspended(callers: Callers) -> Asked:
    return _in_state(callers, "suspend")


def _in_state(callers: Callers, change: str) -> Asked:
    ids = {"person_id": callers.person(OWNER).ids["person_id"]}
    # Whoever is in that state already is refused.
    headers = callers.person(OPERATOR).headers
    callers.api.post(f"{PEOPLE.format(**ids)}/{change}", json={"reason": "A test"}, headers=headers)
    return Asked(ids=ids)


def _impersonated(callers: Callers) -> Asked:
    made, operator = _free(callers), callers.person(OPERATOR)
    path = f"{PEOPLE.format(**made.ids)}/impersonations"
    told = ok(callers.api.post(path, json={"reason": "A test"}, headers=operator.headers))
    return Asked(ids={**made.ids, "session_id": str(claims(told["access_token"])["sid"])})


def _exported(callers: Callers) -> Asked:
    account = callers.bystander()
    path = f"{AUTH}/me/exports"
    listed = ok(callers.api.get(path, headers=account.headers))["items"]
    if not any(each["ready_at"] for each in listed):
        wait_for_job(callers.api, account, ask_for_export(callers.api, account), service="auth")
    return Asked(headers=account.headers, ids={"export_id": find_export(callers.api, account)})


def _running_export(callers: Callers) -> Asked:
    account = callers.newcomer()
    return Asked(headers=account.headers, ids={"job_id": ask_for_export(callers.api, account)})


def _switched(callers: Callers) -> Asked:
    account = callers.bystander()
    return Asked(headers=account.headers, body={"organization_id": account.organization_id})


ACCOUNTS: Recipes = {
    f"POST {AUTH}/register": _register,
    f"POST {AUTH}/verify-email": _verify,
    f"POST {AUTH}/reset-password": _reset_password,
    f"POST {AUTH}/login": _log_in,
    f"POST {AUTH}/login/second-factor": _second_factor,
    f"POST {AUTH}/refresh": _refresh,
    f"POST {AUTH}/logout": _log_out,
    f"PUT {AUTH}/me/password": _of_a_newcomer({"current_password": PASSWORD, "password": f"{PASSWORD}2"}),
    f"DELETE {AUTH}/me": _of_a_newcomer(),
    f"DELETE {AUTH}/sessions": _of_a_newcomer(),
    f"DELETE {AUTH}/sessions/{{session_id}}": _end_session,
    f"POST {AUTH}/sessions/switch": _switched,
    f"POST {AUTH}/step-up": _step_up,
    f"POST {AUTH}/factors/authenticators/{{factor_id}}/confirm": _confirm,
    f"POST {AUTH}/factors/recovery-codes": _recovery_codes,
    f"PATCH {AUTH}/factors/{{factor_id}}": _begun_factor,
    f"DELETE {AUTH}/factors/{{factor_id}}": _begun_factor,
    f"POST {PEOPLE}/suspend": _about(_free),
    f"POST {PEOPLE}/resume": _about(_suspended),
    f"POST {PEOPLE}/reset": _about(_free),
    f"POST {PEOPLE}/impersonations": _about(_free),
    f"DELETE {PEOPLE}/impersonations/{{session_id}}": _impersonated,
    f"GET {AUTH}/me/exports/{{export_id}}": _exported,
    f"GET {AUTH}/me/exports/{{export_id}}/archive": _exported,
    f"DELETE {AUTH}/me/exports/{{export_id}}": _exported,
    f"POST {AUTH}/me/exports": _of_a_newcomer(),
    f"DELETE {AUTH}/jobs/{{job_id}}": _running_export,
    f"GET {AUTH}/jobs/{{job_id}}": lambda _: Asked(by=LEARNER),
    f"GET {AUTH}/jobs/{{job_id}}/events": lambda _: Asked(by=LEARNER),
}
