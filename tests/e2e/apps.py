"""Somebody with an authenticator app, and the recovery codes that came with it."""

from dataclasses import dataclass

import httpx2
import pyotp
from people import ok
from world import PASSWORD, Account

AUTH = "/api/v1/auth"


@dataclass(frozen=True)
class AuthenticatorApp:
    account: Account
    recovery_codes: list[str]

    def challenge(self, api: httpx2.Client) -> str:
        """What the right password alone brings."""
        asked = api.post(f"{AUTH}/login", json={"email": self.account.email, "password": PASSWORD})
        assert asked.status_code == httpx2.codes.UNAUTHORIZED, asked.text
        return str(asked.json()["challenge"])


def set_up(api: httpx2.Client, account: Account) -> AuthenticatorApp:
    factors = f"{AUTH}/factors/authenticators"
    begun = ok(api.post(factors, json={}, headers=account.headers))
    code = pyotp.TOTP(begun["secret"]).now()
    told = ok(api.post(f"{factors}/{begun['id']}/confirm", json={"code": code}, headers=account.headers))
    return AuthenticatorApp(account, told["recovery_codes"])
