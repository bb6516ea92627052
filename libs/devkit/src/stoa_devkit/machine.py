"""What in this machine can be in the way of a start; each is refused in a sentence that says what to do."""

import contextlib
import shutil

import psutil

from stoa_devkit.ports import is_free
from stoa_devkit.state import State
from stoa_devkit.trouble import Trouble

FREE_BYTES_FIRST = 1_000_000_000
FREE_BYTES_LATER = 200_000_000


def refuse_full_disk(state: State) -> None:
    """Raises Trouble where too little room is left to start."""
    needed = FREE_BYTES_LATER if state.data.exists() else FREE_BYTES_FIRST
    parent = next(folder for folder in (state.folder, *state.folder.parents) if folder.exists())
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise Trouble(
            f"The disk is full: {free / 1e6:.0f} MB are free at {parent}, and Stoa needs {needed / 1e6:.0f} MB "
            "to start; make room, or set STOA_STATE_DIR to a folder on another disk."
        )


def refuse_lost_secrets(state: State) -> None:
    """Raises Trouble where nobody knows the password of the data any more."""
    if (state.data / "postgres").exists() and state.find_secret("postgres") is None:
        raise Trouble(
            f"{state.folder / 'secrets.json'} is missing though there are data: restore it, "
            "or delete the data too by `stoa reset`."
        )


def refuse_taken_port(port: int) -> None:
    """Raises Trouble where another program listens on the gateway's port."""
    if not is_free(port):
        raise Trouble(
            f"Port {port} is taken{_owner(port)}: stop that program, or set STOA_GATEWAY_PORT to another port."
        )


def _owner(port: int) -> str:
    # Not every system tells an ordinary user who listens.
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and getattr(connection.laddr, "port", None) == port
            if listens and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""
