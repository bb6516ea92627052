"""A browser without a window: it keeps cookies, says where its forms come from, and sends them with their tokens."""

import re
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

import httpx2

PAGES = "/api/v1/auth/pages"
ORIGIN = "http://service"
_HIDDEN = re.compile(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">')


@dataclass
class Browser:
    """One person's browser at the service's own address."""

    client: httpx2.AsyncClient
    cookies: dict[str, str] = field(default_factory=dict)
    language: str = "en"

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return self._kept(await self.client.get(path, headers=self._headers(headers)))

    async def post(self, path: str, data: dict[str, str], **headers: str) -> httpx2.Response:
        """A form of a page of ours, unless the headers say otherwise; `""` leaves one out."""
        said = {"origin": ORIGIN, "sec-fetch-site": "same-origin"} | headers
        return self._kept(await self.client.post(path, data=data, headers=self._headers(said)))

    async def send(self, path: str, json: Any, **headers: str) -> httpx2.Response:
        """What a page's script sends."""
        return self._kept(await self.client.post(path, json=json, headers=self._headers({"origin": ORIGIN} | headers)))

    async def submit(self, path: str, **fields: str) -> httpx2.Response:
        """Open the page, fill in its form, and send it."""
        return await self.post(path, hidden(await self.get(path)) | fields)

    async def log_in(self, email: str, password: str, path: str = f"{PAGES}/log-in") -> httpx2.Response:
        return await self.submit(path, email=email, password=password)

    def _headers(self, said: dict[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in said.items() if value}
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"accept-language": self.language, **({"cookie": cookies} if cookies else {}), **named}

    def _kept(self, answer: httpx2.Response) -> httpx2.Response:
        # It would send no Secure cookie back over http, as browsers do to this machine.
        self.client.cookies.clear()
        for name, morsel in set_cookies(answer).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
        return answer


def set_cookies(answer: httpx2.Response) -> SimpleCookie:
    """The cookies that an answer sets, each with its attributes."""
    found: SimpleCookie = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        found.load(line)
    return found


def hidden(page: httpx2.Response) -> dict[str, str]:
    """The hidden fields of a page's form."""
    return dict(_HIDDEN.findall(page.text))
