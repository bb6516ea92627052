"""Kept mail, read by auth's own program: it lies sealed in auth's database."""

import json
import subprocess
import sys
from typing import Any

from stoa_devkit import databases, environment, settings
from stoa_devkit.servers import Postgres
from stoa_devkit.settings import Settings
from stoa_devkit.state import State
from stoa_devkit.trouble import Trouble

SECONDS = 60.0


def kept_mails(*, to: str | None = None, limit: int = 20, unwritten: bool = False) -> list[dict[str, Any]]:
    """The newest mails of this checkout's platform, the newest first. Raises Trouble.

    `unwritten`: also to whom those go that were asked for a moment ago.
    """
    found = settings.read()
    command = [sys.executable, "-m", "stoa_auth.mail", "--limit", str(limit), *(["--to", to] if to else [])]
    command += ["--unwritten"] if unwritten else []
    ran = subprocess.run(  # noqa: S603 - our own program
        command, env=_variables(found, State(found.state)), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if ran.returncode != 0:
        raise Trouble(_last_line(ran.stderr))
    mails: list[dict[str, Any]] = json.loads(ran.stdout)
    return mails


def _variables(found: Settings, state: State) -> dict[str, str]:
    """Our own environment, with auth's database and the secret that opens its mail."""
    secret = found.get("AUTH_KEYS_SECRET") or state.find_secret("auth-keys")
    if secret is None:
        raise Trouble("Stoa has not run here yet: `stoa up` starts it.")
    elsewhere = environment.external_databases(["auth"], found).get("auth")
    told = {"AUTH_KEYS_SECRET": secret, "AUTH_DATABASE_URL": (elsewhere or _own(state)).service}
    return {**found.variables, **told}


def _own(state: State) -> environment.Urls:
    server = Postgres(state.data / "postgres", state.log("postgres"), state.port("postgres"))
    return databases.urls_of("auth", server, state)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "Mail could not be read, and nothing said why."
