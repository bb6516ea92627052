"""Ports on the loopback address."""

import random
import socket
from collections.abc import Collection

HOST = "127.0.0.1"

# Below the range that Linux and macOS give to outgoing connections, so that nothing borrows a kept port meanwhile.
CANDIDATES = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def answers(port: int, *, within: float = 0.2) -> bool:
    """Whether somebody accepts connections on the port."""
    try:
        socket.create_connection((HOST, port), timeout=within).close()
    except OSError:
        return False
    return True


def free_port(*, besides: Collection[int] = ()) -> int:
    """A port that nobody listens on, other than those given."""
    for port in random.sample(CANDIDATES, 200):
        if port not in besides and is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
