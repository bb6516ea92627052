"""Auth on a socket, as the walks through its pages see it, and the desk where their people sit."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from fastapi import FastAPI
from playwright.async_api import Browser

from stoa_auth.keys.service import KeyRing
from stoa_auth.passkeys.service import RelyingParty
from stoa_auth.sign_on import service as sign_on
from stoa_common.database import Database
from stoa_common.http import Router
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.service import Service
from stoa_common.settings import read_variable
from stoa_common.testing.identities import ISSUER, Identities

from .browser import PAGES
from .chromium import Person, sat_down, served
from .conftest import Doors, OwnKeys, Someone

#: Each language and each color scheme; with pictures to look at, each in each.
EVERYWHERE = [("en", "light"), ("ru", "dark")]
if read_variable("STOA_SCREENSHOTS"):
    EVERYWHERE += [("en", "dark"), ("ru", "light")]


@asynccontextmanager
async def opened(
    service: Service, resources: Resources, identities: Identities, database: Database, more: Sequence[Router] = ()
) -> AsyncIterator[int]:
    """Its port at `localhost`. Passkeys, and the way back from providers, are made for that address."""
    verifier = TokenVerifier(OwnKeys(resources.get(KeyRing), identities), issuer=ISSUER)
    app: FastAPI = replace(service, routers=[*service.routers, *more]).build_app(resources, verifier, database)
    party, desk = resources.get(RelyingParty), resources.get(sign_on.Desk)
    async with served(app) as port:
        here = f"http://localhost:{port}"
        resources.add(replace(party, id="localhost", origins=(here,)))
        resources.add(replace(desk, public_url=here))
        yield port
    resources.add(party)
    resources.add(desk)


async def at_desk(chromium: Browser, port: int, **how: object) -> Person:
    person = await sat_down(chromium, f"http://localhost:{port}", **how)  # type: ignore[arg-type]
    kept = read_variable("STOA_SCREENSHOTS")
    person.pictures = Path(kept) if kept else None
    return person


async def give_passkey(person: Person, doors: Doors, someone: Someone) -> None:
    """A passkey of theirs, in a device of the browser's own that never asks; the browser is at the log-in page then."""
    devtools = await person.page.context.new_cdp_session(person.page)
    await devtools.send("WebAuthn.enable")
    device = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    device |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    await person.open(f"{PAGES}/log-in")
    begun = await doors.client.post("/api/v1/auth/passkeys/registration", headers=someone.headers)
    made = await person.page.evaluate(
        """async (options) => {
          const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
          return (await navigator.credentials.create({ publicKey })).toJSON();
        }""",
        begun.json()["publicKey"],
    )
    kept = await doors.client.post("/api/v1/auth/passkeys", json={"credential": made}, headers=someone.headers)
    assert kept.status_code == 201, kept.text
