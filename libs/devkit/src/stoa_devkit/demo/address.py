"""Where the platform is."""

import httpx2

from stoa_devkit import settings
from stoa_devkit.commands.status import facts
from stoa_devkit.state import State
from stoa_devkit.trouble import Trouble

PROBE_SECONDS = 10.0


class PlatformIsNotUp(Trouble):
    """There is no platform to talk to."""


async def check_address(url: str) -> None:
    """Raise PlatformIsNotUp unless a gateway answers; asked once, so that a mistyped address is told at once."""
    try:
        async with httpx2.AsyncClient(base_url=url, timeout=PROBE_SECONDS) as http:
            answer = await http.get("/openapi.json")
    except (httpx2.RequestError, httpx2.InvalidURL) as error:
        raise PlatformIsNotUp(f"Nothing answers at {url} ({error}).") from None
    if answer.is_error:
        raise PlatformIsNotUp(f"What answers at {url} is not a Stoa gateway: {answer.status_code} to /openapi.json.")


def running_gateway() -> str:
    """The gateway of the platform that runs in this checkout; raises PlatformIsNotUp where none does."""
    told = facts(State(settings.read().state))
    if not told["running"]:
        raise PlatformIsNotUp("Stoa does not run here: start it with `stoa up`, or name a gateway with --gateway.")
    return str(told["gateway"])
