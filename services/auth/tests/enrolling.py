"""Second factors as people have them: an app that shows codes, a passkey, and a clock that tests turn."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pyotp

from stoa_auth.passkeys.service import RelyingParty
from stoa_common import clock

from .conftest import PASSWORD, Doors, Someone
from .security_key import SecurityKey, unbase64url

FACTORS = "/api/v1/auth/factors"
STEP = timedelta(seconds=30)


class Hands:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self._now = clock.now()

    def now(self) -> datetime:
        return self._now

    def turn(self, span: timedelta = STEP) -> None:
        self._now += span


@dataclass
class App:
    """An authenticator app that is set up, and the recovery codes that came with it."""

    secret: str
    factor_id: str
    hands: Hands
    recovery_codes: list[str] = field(default_factory=list)

    def code(self, steps: int = 0) -> str:
        """What it shows now, or so many steps from now."""
        return pyotp.TOTP(self.secret).at(self.hands.now(), counter_offset=steps)

    def next_code(self) -> str:
        """What it shows a moment later: a code that was not used yet."""
        self.hands.turn()
        return self.code()


async def begin(doors: Doors, someone: Someone, hands: Hands) -> App:
    answer = await doors.client.post(f"{FACTORS}/authenticators", json={"name": "My phone"}, headers=someone.headers)
    assert answer.status_code == 201, answer.text
    return App(answer.json()["secret"], answer.json()["id"], hands)


async def confirm(doors: Doors, someone: Someone, app: App, code: str) -> httpx2.Response:
    path = f"{FACTORS}/authenticators/{app.factor_id}/confirm"
    return await doors.client.post(path, json={"code": code}, headers=someone.headers)


async def enroll(doors: Doors, someone: Someone, hands: Hands) -> App:
    """An app of theirs whose codes count."""
    app = await begin(doors, someone, hands)
    answer = await confirm(doors, someone, app, app.code())
    assert answer.status_code == 200, answer.text
    app.recovery_codes = answer.json()["recovery_codes"]
    return app


async def challenge(doors: Doors, email: str, **fields: Any) -> str:
    """What the right password brings where there is a second factor."""
    answer = await doors.log_in(email, **fields)
    assert answer.status_code == 401, answer.text
    assert answer.json()["type"] == "urn:stoa:problem:second-factor-is-needed"
    told: str = answer.json()["challenge"]
    return told


async def finish(doors: Doors, challenge: str, *, network: str | None = None, **proof: Any) -> httpx2.Response:
    headers = {"X-Forwarded-For": network} if network else {}
    body = {"challenge": challenge, **proof}
    return await doors.client.post("/api/v1/auth/login/second-factor", json=body, headers=headers)


def slug(answer: httpx2.Response) -> str:
    """Which problem it was."""
    told: str = answer.json()["type"]
    return told.removeprefix("urn:stoa:problem:")


def claims(access_token: str) -> dict[str, Any]:
    """What an access token says, to whoever holds it."""
    told: dict[str, Any] = json.loads(unbase64url(access_token.split(".")[1]))
    return told


@dataclass(frozen=True)
class Browser:
    """A page of ours in somebody's browser, with a security key at hand."""

    doors: Doors
    party: RelyingParty
    key: SecurityKey

    @property
    def origin(self) -> str:
        return self.party.origins[0]

    async def registration(self, someone: Someone) -> dict[str, Any]:
        path = "/api/v1/auth/passkeys/registration"
        answer = await self.doors.client.post(path, headers=someone.headers)
        assert answer.status_code == 200, answer.text
        options: dict[str, Any] = answer.json()["publicKey"]
        return options

    async def keep(self, someone: Someone, credential: dict[str, Any]) -> httpx2.Response:
        body = {"name": "My key", "credential": credential}
        return await self.doors.client.post("/api/v1/auth/passkeys", json=body, headers=someone.headers)

    async def register(self, someone: Someone) -> dict[str, Any]:
        options = await self.registration(someone)
        answer = await self.keep(someone, self.key.create(options, origin=self.origin))
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def options(self, path: str = "/api/v1/auth/login/passkey/options", **request: Any) -> dict[str, Any]:
        answer = await self.doors.client.post(path, **request)
        assert answer.status_code == 200, answer.text
        options: dict[str, Any] = answer.json()["publicKey"]
        return options

    async def log_in(self, credential: dict[str, Any], **fields: Any) -> httpx2.Response:
        body = {"passkey": credential, **fields}
        return await self.doors.client.post("/api/v1/auth/login/passkey", json=body)


async def step_up(doors: Doors, someone: Someone, **proof: Any) -> httpx2.Response:
    body = proof or {"password": PASSWORD}
    return await doors.client.post("/api/v1/auth/step-up", json=body, headers=someone.headers)
