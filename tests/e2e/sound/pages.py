"""auth's pages, as a browser opens them and sends their forms."""

import re
import secrets
from html import unescape

from callers import LEARNER, OWNER, Callers
from people import invite, ok
from test_browsers import Browser
from world import PASSWORD, Account

from sound.asked import Asked, Recipe, Recipes

AUTH = "/api/v1/auth"
PAGES = f"{AUTH}/pages"
_HIDDEN = re.compile(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"')


def a_browser(callers: Callers, account: Account | None = None) -> Browser:
    """Somebody's own, where they are logged in, or nobody's."""
    browser = Browser(str(callers.api.base_url).rstrip("/"))
    if account is not None:
        browser.submit(f"{PAGES}/log-in", email=account.email, password=PASSWORD)
    return browser


def as_browser(browser: Browser) -> dict[str, str]:
    """The headers of a form of ours that is sent in this browser."""
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return {"Cookie": cookies, "Origin": browser.origin}


def opened(browser: Browser, path: str, **fields: str) -> Asked:
    """The form of a page, filled in."""
    hidden = {unescape(name): unescape(value) for name, value in _HIDDEN.findall(browser.get(path).text)}
    return Asked(headers=as_browser(browser), body=hidden | fields)


def _form(page: str, **fields: str) -> Recipe:
    """A form that needs nobody to be logged in."""
    return lambda callers: opened(a_browser(callers), f"{PAGES}/{page}", **fields)


def _seen(callers: Callers) -> Asked:
    """A page that only who is logged in may see."""
    return Asked(headers=as_browser(a_browser(callers, callers.person(OWNER).account)))


def _logged_in(page: str, **fields: str) -> Recipe:
    return lambda callers: opened(a_browser(callers, callers.person(OWNER).account), f"{PAGES}/{page}", **fields)


def _shown_file(callers: Callers) -> Asked:
    """Its name changes with what is in it."""
    named = re.search(r"/static/([\w.]+\.css)", a_browser(callers).get(f"{PAGES}/log-in").text)
    assert named is not None
    return Asked(ids={"name": named[1]})


def _log_in(callers: Callers) -> Asked:
    email = callers.person(OWNER).account.email
    return opened(a_browser(callers), f"{PAGES}/log-in", email=email, password=PASSWORD)


def _second_factor(callers: Callers) -> Asked:
    app, browser = callers.with_app(), a_browser(callers)
    asked = browser.submit(f"{PAGES}/log-in", email=app.account.email, password=PASSWORD)
    hidden = {unescape(name): unescape(value) for name, value in _HIDDEN.findall(asked.text)}
    return Asked(headers=as_browser(browser), body=hidden | {"code": app.recovery_codes.pop()})


def _mailed(page: str, **fields: str) -> Recipe:
    return lambda callers: opened(a_browser(callers), f"{PAGES}/{page}", code=callers.mails.take(page), **fields)


def _invited(callers: Callers) -> Asked:
    token = ok(invite(callers.api, callers.person(OWNER).account, LEARNER))["token"]
    known = {"name": "Ada", "email": callers.new_address(), "password": PASSWORD}
    return opened(a_browser(callers), f"{PAGES}/invitation", code=token, **known)


ADDRESS = f"{secrets.token_hex(8)}@example.com"
PAGE_FORMS: Recipes = {
    f"POST {PAGES}/log-in": _log_in,
    f"POST {PAGES}/second-factor": _second_factor,
    f"POST {PAGES}/forgot-password": _form("forgot-password", email=ADDRESS),
    f"POST {PAGES}/sign-on": _form("sign-on", email=ADDRESS),
    f"POST {PAGES}/reset-password": _mailed("reset-password", password=PASSWORD),
    f"POST {PAGES}/verify-email": _mailed("verify-email"),
    f"POST {PAGES}/invitation": _invited,
    f"POST {PAGES}/log-out": _logged_in("log-out"),
    f"POST {PAGES}/step-up": _logged_in("step-up", password=PASSWORD),
    f"GET {PAGES}/account": _seen,
    f"GET {PAGES}/step-up": _seen,
    f"GET {PAGES}/identities": _seen,
    f"GET {AUTH}/browser-session": _seen,
    f"GET {AUTH}/static/{{name}}": _shown_file,
}
