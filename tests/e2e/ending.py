"""How soon what was ended is refused."""

import time
from collections.abc import Callable

#: The platform promises one second; the rest is for a test machine that is busy with other things.
LONGEST_SECONDS = 3.0
PAUSE_SECONDS = 0.02


def wait_until(is_refused: Callable[[], bool], *, what: str, longest_seconds: float = LONGEST_SECONDS) -> None:
    """Look until it is so. Raises AssertionError where it takes longer than is promised.

    When the time is over it looks once more: a machine that stood still for some seconds is not blamed.
    """
    ends_at = time.monotonic() + longest_seconds
    while True:
        is_last = time.monotonic() >= ends_at
        if is_refused():
            return
        assert not is_last, f"{what} is still taken after {longest_seconds:.0f} s"
        time.sleep(PAUSE_SECONDS)
