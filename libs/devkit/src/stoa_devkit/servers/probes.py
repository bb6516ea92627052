"""Whether a server answers requests, asked over its own protocol: all of them accept connections earlier than that."""

import socket
import struct

TIMEOUT_SECONDS = 1.0


def postgres_answers(host: str, port: int) -> bool:
    """Answers the start of a session; while it recovers or stops, it refuses with class 57 (protocol 3.0)."""
    parameters = b"user\0postgres\0database\0postgres\0\0"
    request = struct.pack(">ii", len(parameters) + 8, 196_608) + parameters
    return _ask(host, port, request, at_least=1)[:1] == b"R"


def valkey_answers(host: str, port: int, *, password: str = "") -> bool:
    """Answers PING; while it loads its data, it refuses."""
    login = f"AUTH {password}\r\n".encode() if password else b""
    return _ask(host, port, login + b"PING\r\n", at_least=12 if password else 7).endswith(b"+PONG\r\n")


def kafka_answers(host: str, port: int) -> bool:
    """Answers ApiVersions (KIP-35)."""
    request = struct.pack(">hhih", 18, 0, 1, -1)
    return len(_ask(host, port, struct.pack(">i", len(request)) + request, at_least=8)) >= 8


def _ask(host: str, port: int, request: bytes, *, at_least: int) -> bytes:
    """The beginning of the answer; empty where there is none."""
    answer = b""
    try:
        with socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as connection:
            connection.sendall(request)
            while len(answer) < at_least and (received := connection.recv(4096)):
                answer += received
    except OSError:
        return b""
    return answer
