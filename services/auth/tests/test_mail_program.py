"""`python -m stoa_auth.mail` shows what is kept, to whoever holds the database and the secret."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

from stoa_auth.settings import Settings
from stoa_common.resources import Resources

from .conftest import Doors
from .postbox import Postbox


async def shown(settings: Settings, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    assert settings.database_url is not None
    told = {
        "AUTH_DATABASE_URL": settings.database_url.get_secret_value(),
        "AUTH_KEYS_SECRET": settings.keys_secret.get_secret_value(),
    }
    command = [sys.executable, "-m", "stoa_auth.mail", *arguments]
    return await asyncio.to_thread(
        subprocess.run, command, env={**os.environ, **told, **changed}, capture_output=True, text=True, timeout=120
    )


async def test_the_newest_mail_to_an_address_is_shown_with_its_code(
    doors: Doors, postbox: Postbox, resources: Resources
) -> None:
    ada = await doors.newcomer()
    code = await postbox.code(ada.email, "verify-email")

    ran = await shown(resources.get(Settings), "--to", ada.email.upper())

    mails: list[dict[str, Any]] = json.loads(ran.stdout)
    assert ran.returncode == 0, ran.stderr
    assert [(mail["to"], mail["kind"], mail["state"], mail["token"]) for mail in mails] == [
        (ada.email, "verify-email", "kept", code)
    ]
    assert code in mails[0]["text"].splitlines()


async def test_another_secret_opens_nothing_and_says_so(doors: Doors, postbox: Postbox, resources: Resources) -> None:
    ada = await doors.newcomer()
    await postbox.code(ada.email, "verify-email")

    ran = await shown(resources.get(Settings), AUTH_KEYS_SECRET="another secret, long enough for all")

    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.strip() == "AUTH_KEYS_SECRET does not open this mail."
