"""How soon what was ended is refused."""

import time
from collections.abc import Callable

#: The platform promises one second; the rest is for a test machine that is busy with other things.
LONGEST_SECONDS = 3.0
#: What one look takes longer than that is the machine's, and not the platform's.
LOOK_SECONDS = 0.5
PAUSE_SECONDS = 0.02


def wait_until(is_refused: Callable[[], bool], *, what: str, longest_seconds: float = LONGEST_SECONDS) -> None:
    """Look until it is so. Raises AssertionError where it takes longer than is promised.

    A machine that stands still for some seconds brings a look or two less, and no failure.
    """
    waited = 0.0
    while True:
        began = time.monotonic()
        if is_refused():
            return
        assert waited < longest_seconds, f"{what} is still taken after {longest_seconds:.0f} s"
        time.sleep(PAUSE_SECONDS)
        waited += min(time.monotonic() - began, LOOK_SECONDS)
