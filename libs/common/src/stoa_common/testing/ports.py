"""Ports of this machine for what a test starts, or wants to find nobody at."""

import socket
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """So many ports where nobody listens; all differ, since they are held at once."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in sockets]


def free_port() -> int:
    """A port where nobody listens."""
    return free_ports(1)[0]
