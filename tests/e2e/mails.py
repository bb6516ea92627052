"""Codes that come by mail, some of each kind at once: reading mail takes a second."""

import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import httpx2
from conftest import Platform
from people import ok
from world import PASSWORD

AUTH = "/api/v1/auth"
#: Each is called like the page that it leads to.
KINDS = ("verify-email", "reset-password")
EACH = 4
SECONDS = 60.0


class Mails:
    def __init__(self, api: httpx2.Client, platform: Platform) -> None:
        self._api, self._platform = api, platform
        self._codes: dict[str, list[str]] = {kind: [] for kind in KINDS}

    def take(self, page: str) -> str:
        """A code that nobody has used, for this page."""
        if not self._codes[page]:
            self._ask()
        return self._codes[page].pop()

    def _ask(self) -> None:
        addresses = {self._register() for _ in range(EACH)}
        for address in addresses:
            ok(self._api.post(f"{AUTH}/forgot-password", json={"email": address}))
        until = time.monotonic() + SECONDS
        while len(found := list(self._read(addresses))) < len(KINDS) * EACH:
            assert time.monotonic() < until, "The mails did not come."
            time.sleep(0.3)
        for page, code in found:
            self._codes[page].append(code)

    def _register(self) -> str:
        account = {"email": f"{secrets.token_hex(8)}@example.com", "password": PASSWORD}
        ok(self._api.post(f"{AUTH}/register", json=account))
        return account["email"]

    def _read(self, addresses: set[str]) -> Iterator[tuple[str, str]]:
        shown = self._platform.stoa("mail", "--json", "--limit", "100")
        mails: list[dict[str, Any]] = json.loads(shown.stdout)
        known = [each for each in mails if each["to"] in addresses and each["kind"] in KINDS]
        yield from ((each["kind"], each["token"]) for each in known if each["token"])
