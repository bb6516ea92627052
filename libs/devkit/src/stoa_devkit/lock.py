"""One supervisor a checkout: a lock that the kernel drops when its holder dies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from stoa_devkit.running import Running, adopt
from stoa_devkit.state import State
from stoa_devkit.trouble import Trouble

SUPERVISOR = "supervisor.json"


@contextmanager
def held(state: State) -> Iterator[None]:
    """Hold the checkout's lock. Raises Trouble where somebody else does."""
    state.make()
    with state.lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble(why_held(state)) from None
        except OSError as failure:
            raise Trouble(
                f"{state.lock} can't be locked ({failure.strerror}): set STOA_STATE_DIR to a local disk."
            ) from failure
        yield


def is_held(state: State) -> bool:
    """Whether a supervisor holds the lock now."""
    if not state.lock.exists():
        return False
    with state.lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def supervisor(state: State) -> Running | None:
    """The supervisor that runs here, if one does."""
    told = state.read(SUPERVISOR)
    return adopt(told["pid"], started=told["started"]) if "pid" in told else None


def why_held(state: State) -> str:
    """Who holds the lock, and what to do about it."""
    found = supervisor(state)
    if found is not None:
        return f"Stoa already runs here (pid {found.pid}): look with `stoa status`, end it with `stoa down`."
    holders = ", ".join(_holders(state.lock)) or "a process that this user can't see"
    return (
        f"{state.lock} is stale: its supervisor is gone, but {holders} still holds it. "
        "End that one, or delete the file, and start again."
    )


def _holders(path: Path) -> Iterator[str]:
    for process in psutil.process_iter(["pid", "name"]):
        with suppress(psutil.Error):
            if any(Path(opened.path) == path for opened in process.open_files()):
                yield f"{process.info['name']} (pid {process.info['pid']})"
