"""Named places in the code where a fault run may end or stop this process, as a crash would. Nothing otherwise.

`STOA_FAILPOINTS=relay.sent=kill:0.01,consumer.committed=stop:0.001` ends the process by SIGKILL at one in a hundred
passes of the first place, and stops it by SIGSTOP at one in a thousand of the second; who stops it continues it.
"""

import os
import random
import signal
from typing import Final

from stoa_common.settings import read_variable

_SIGNALS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class BadFailpoint(SystemExit):
    """`STOA_FAILPOINTS` is not `place=kill:probability`, separated by commas."""


def _read(text: str) -> dict[str, tuple[signal.Signals, float]]:
    points: dict[str, tuple[signal.Signals, float]] = {}
    for listed in filter(None, text.split(",")):
        try:
            place, action = listed.split("=")
            name, chance = action.split(":")
            points[place] = (_SIGNALS[name], float(chance))
        except (ValueError, KeyError):
            raise BadFailpoint(
                f"STOA_FAILPOINTS: {listed!r} does not read place=kill:0.01 or place=stop:0.01."
            ) from None
    return points


_points: Final = _read(read_variable("STOA_FAILPOINTS") or "")


def reach(place: str) -> None:
    """Pass a named place."""
    if not _points:
        return
    sent, chance = _points.get(place, (None, 0.0))
    if sent is not None and random.random() < chance:  # noqa: S311  # chance, not a secret
        os.kill(os.getpid(), sent)
