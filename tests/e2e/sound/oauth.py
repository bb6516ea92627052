"""OAuth and OpenID: an app of the owner's organization, and the owner who lets it in."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from callers import OWNER, Callers
from people import ok
from world import Account

from sound.asked import Asked, Recipe, Recipes
from sound.pages import a_browser, as_browser, opened

AUTH = "/api/v1/auth"
CALLBACK, GOODBYE = "https://app.example.com/callback", "https://app.example.com/goodbye"
SCOPES = ["openid", "email", "course:read"]
VERIFIER = "a-verifier-of-the-tests-that-is-long-enough-for-rfc-7636"


@dataclass(frozen=True)
class App:
    id: str
    secret: str

    @property
    def named(self) -> dict[str, str]:
        return {"client_id": self.id, "client_secret": self.secret}

    @property
    def link(self) -> dict[str, str]:
        """The query with which it sends a browser to us."""
        digest = hashlib.sha256(VERIFIER.encode()).digest()
        return {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": CALLBACK,
            "scope": " ".join(SCOPES),
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }


def _app(callers: Callers) -> App:
    wanted = {"name": "Reports", "redirect_uris": [CALLBACK], "post_logout_redirect_uris": [GOODBYE], "scopes": SCOPES}
    wanted["grants"] = ["authorization_code", "refresh_token", "client_credentials"]
    made = ok(callers.api.post(f"{AUTH}/clients", json=wanted, headers=callers.person(OWNER).headers))
    return App(made["id"], made["client_secret"])


def _let_in(callers: Callers, app: App, account: Account) -> str:
    """The code that the app gets."""
    browser = a_browser(callers, account)
    path = f"{AUTH}/authorize?{urlencode(app.link)}"
    asked = opened(browser, path, decision="allow")
    form, headers = asked.body, asked.headers
    sent = callers.api.post(f"{AUTH}/authorize/decision", data=form, headers=dict(headers))
    return parse_qs(urlsplit(sent.headers["location"]).query)["code"][0]


def _tokens(callers: Callers, app: App) -> dict[str, Any]:
    code = _let_in(callers, app, callers.person(OWNER).account)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    told: dict[str, Any] = ok(callers.api.post(f"{AUTH}/token", data={**app.named, **form}))
    return told


def _own_token(callers: Callers) -> Asked:
    app = _app(callers)
    return Asked(body={**app.named, "grant_type": "client_credentials", "scope": "course:read"})


def _about_a_token(callers: Callers) -> Asked:
    asked = _own_token(callers)
    token = ok(callers.api.post(f"{AUTH}/token", data=asked.body))["access_token"]
    named = {name: asked.body[name] for name in ("client_id", "client_secret")}
    return Asked(body={**named, "token": token})


def _user(callers: Callers) -> Asked:
    token = _tokens(callers, _app(callers))["access_token"]
    return Asked(headers={"Authorization": f"Bearer {token}"})


def _consent(callers: Callers) -> Asked:
    app = _app(callers)
    _let_in(callers, app, callers.person(OWNER).account)
    return Asked(ids={"client_id": app.id})


def _client(callers: Callers) -> Asked:
    return Asked(ids={"client_id": _app(callers).id})


def _new_client(_: Callers) -> Asked:
    return Asked(body={"name": "Reports", "scopes": ["course:read"], "redirect_uris": [CALLBACK]})


def _authorize(callers: Callers) -> Asked:
    browser = a_browser(callers, callers.person(OWNER).account)
    return Asked(headers=as_browser(browser), query=_app(callers).link)


def _authorize_by_form(callers: Callers) -> Asked:
    return Asked(body=_app(callers).link, headers={"Content-Type": "application/x-www-form-urlencoded"})


def _decision(callers: Callers) -> Asked:
    browser = a_browser(callers, callers.person(OWNER).account)
    return opened(browser, f"{AUTH}/authorize?{urlencode(_app(callers).link)}", decision="allow")


def _leaving(*, by_form: bool = False) -> Recipe:
    def asked(callers: Callers) -> Asked:
        app = _app(callers)
        named = {"client_id": app.id, "post_logout_redirect_uri": GOODBYE}
        return Asked(body=named) if by_form else Asked(query=named)

    return asked


def _left(callers: Callers) -> Asked:
    return opened(a_browser(callers, callers.person(OWNER).account), f"{AUTH}/end-session/confirm")


OAUTH: Recipes = {
    f"POST {AUTH}/clients": _new_client,
    f"DELETE {AUTH}/clients/{{client_id}}": _client,
    f"DELETE {AUTH}/consents/{{client_id}}": _consent,
    f"POST {AUTH}/token": _own_token,
    f"POST {AUTH}/introspect": _about_a_token,
    f"POST {AUTH}/revoke": _about_a_token,
    f"GET {AUTH}/userinfo": _user,
    f"POST {AUTH}/userinfo": _user,
    f"GET {AUTH}/authorize": _authorize,
    f"POST {AUTH}/authorize": _authorize_by_form,
    f"POST {AUTH}/authorize/decision": _decision,
    f"GET {AUTH}/end-session": _leaving(),
    f"POST {AUTH}/end-session": _leaving(by_form=True),
    f"POST {AUTH}/end-session/confirm": _left,
}
