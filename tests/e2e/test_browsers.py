"""A browser's log-in through the gateway: the pages, every service by the cookie alone, and the end of it."""

import re
from http.cookies import SimpleCookie
from typing import Any

import httpx2
import pytest
from conftest import Platform
from ending import wait_until
from world import PASSWORD, register

PAGES = "/api/v1/auth/pages"
#: A route of each of two services that a learner may read.
READ = ("/api/v1/auth/me", "/api/v1/content/courses")
SESSION = "__Host-stoa-session"
#: Nothing here speaks TLS, and to read the authorities anew takes longer than a request.
HOW: Any = {"timeout": 30, "verify": False}


class Browser:
    """Keeps the cookies that the platform sets, as browsers do on this machine, and sends forms as they do."""

    def __init__(self, gateway: str) -> None:
        self.origin = gateway
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> httpx2.Response:
        return self._kept(httpx2.get(self.origin + path, headers=self._headers(), **HOW))

    def submit(self, path: str, **fields: str) -> httpx2.Response:
        hidden = dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">', self.get(path).text))
        headers = self._headers() | {"Origin": self.origin}
        return self._kept(httpx2.post(self.origin + path, data=hidden | fields, headers=headers, **HOW))

    def write(self, path: str, **headers: str) -> httpx2.Response:
        said = self._headers() | {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx2.post(self.origin + path, headers=said, **HOW)

    def _headers(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), "Accept-Language": "en"}

    def _kept(self, answer: httpx2.Response) -> httpx2.Response:
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        self.cookies = {name: value for name, value in self.cookies.items() if value}
        return answer


@pytest.fixture
def browser(api: httpx2.Client, platform: Platform) -> Browser:
    ada = register(api)
    browser = Browser(platform.gateway)
    answer = browser.submit(f"{PAGES}/log-in", email=ada.email, password=PASSWORD)
    assert answer.status_code == 303, answer.text
    return browser


def statuses(browser: Browser) -> set[int]:
    return {browser.get(path).status_code for path in READ}


def test_every_service_is_read_by_the_cookie_alone(browser: Browser) -> None:
    assert statuses(browser) == {200}
    assert browser.get(f"{PAGES}/account").status_code == 200


def test_a_write_needs_a_page_of_ours_and_its_token(browser: Browser) -> None:
    token = browser.get("/api/v1/auth/browser-session").json()["csrf_token"]
    again = "/api/v1/auth/verify-email/again"

    answers = [
        browser.write(again, X_CSRF_Token=token),
        browser.write(again, Origin=browser.origin),
        browser.write(again, X_CSRF_Token=token, Origin="https://evil.example"),
        browser.write(again, X_CSRF_Token=token, Origin=browser.origin),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403, 202]


def test_a_log_out_is_known_everywhere(browser: Browser, platform: Platform) -> None:
    held = Browser(platform.gateway)
    held.cookies = dict(browser.cookies)
    assert statuses(held) == {200}

    browser.submit(f"{PAGES}/log-out")

    wait_until(lambda: statuses(held) == {401}, what="a log-in that was ended")
    assert SESSION not in browser.cookies
