"""Values that programs trip over: each in the place of each part of a sound request."""

import copy
import json
from collections.abc import Iterator
from typing import Any

#: Texts that are none to PostgreSQL, to UTF-8, to a clock, to a list of files or to a parser.
TEXTS = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\x85\u2028\ufeff",
    "\ud800",
    "\U0001f600" * 40,
    "x" * 3_000,
    "%00%ff",
    "..",
    "../../etc/passwd",
    "'; --",
    "{}",
    "-1",
    "NaN",
    "1e400",
    "9" * 30,
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-02-30",
    "00000000-0000-0000-0000-000000000000",
    "urn:uuid:01990000-0000-7000-8000-000000000000",
    "https://[::1",
    "http://0x7f.1/",
    "ada@xn--zz--.example",
    "ÿ" * 50,
    "=?utf-8?q?=0d=0a?=",
    "a\r\nb",
]
OTHERS: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    2**64,
    10**30,
    -(2**63) - 1,
    1.5,
    1e308,
    [],
    {},
    [[]],
    {"a": None},
]
#: Further characters of a list or of an object are rarely looked at.
MOST_ITEMS = 3
#: Bodies that are no JSON, or JSON that some parser dies of; each by the media type that it claims.
BODIES: list[tuple[str | None, bytes]] = [
    ("application/json", b""),
    ("application/json", b"{"),
    ("application/json", b"null"),
    ("application/json", b'"text"'),
    ("application/json", b"\xff\xfe{\x00}\x00"),
    ("application/json", b"[" * 20_000),
    ("application/json", b'{"a":' * 5_000 + b"1" + b"}" * 5_000),
    ("application/json", b"9" * 5_000),
    ("application/json", b'{"a": NaN, "b": Infinity}'),
    ("application/json", b'{"a": 1, "a": 2}'),
    ("application/json; charset=utf-16", b"{}"),
    ("application/json;;;", b"{}"),
    ("json", b"{}"),
    ("text/html", b"<p>"),
    (None, b"{}"),
    ("application/x-www-form-urlencoded", b"a=%ff%00&a=1&=&&%"),
    ("application/x-www-form-urlencoded", b"a=1&" * 20_000),
    ("multipart/form-data", b"--x"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n"),
    ("multipart/form-data; boundary=x", b"--y\r\n\r\n"),
    ("application/scim+json", b"{"),
    ("application/scim+json", b'{"schemas": {}}'),
    ("application/zip", b"PK\x03\x04 no archive"),
    ("application/gzip", b"\x1f\x8b no archive"),
]
#: As bytes of the wire.
HEADERS: list[tuple[str, str]] = [
    ("Idempotency-Key", ""),
    ("Idempotency-Key", "x" * 2_000),
    ("Idempotency-Key", "\xff\xfe"),
    ("Accept", "application/nothing"),
    ("Accept", ";q=;,"),
    ("Accept-Language", "x" * 500 + ";q=9,*;q=z"),
    ("Accept-Encoding", "identity;q=0, *;q=0"),
    ("If-None-Match", '"'),
    ("If-Match", "W/"),
    ("If-Modified-Since", "yesterday"),
    ("Range", "bytes=5-1,-"),
    ("Content-Encoding", "gzip"),
    ("Last-Event-ID", "x" * 300),
    ("Last-Event-ID", "\xff"),
    ("Origin", "null"),
    ("Cookie", "stoa=; =; \xff=1; a"),
    ("traceparent", "00-zz-1"),
    ("X-Request-Id", "\xff" * 300),
    ("X-Forwarded-For", "300.1.1.1, ::"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-API-Key", "stoa_x"),
    ("Authorization", "Bearer \xff"),
    ("Authorization", "Basic Og=="),
    ("Authorization", "Bearer"),
    ("Content-Digest", "sha-256=:x:"),
]


def changed(value: Any) -> Iterator[Any]:
    """The JSON value with one of its parts changed, for each part and each nasty value; then with a part missing."""
    for path in _places(value):
        for nasty in [*TEXTS, *OTHERS]:
            yield _with(value, path, nasty)
        if path and isinstance(path[-1], str):
            yield _without(value, path)


def as_json(value: Any) -> bytes:
    """With escapes: a lone surrogate has no UTF-8, and no other way onto the wire."""
    return json.dumps(value).encode()


def _places(value: Any) -> Iterator[tuple[str | int, ...]]:
    yield ()
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value[:MOST_ITEMS]))
    for key, part in inner:
        for path in _places(part):
            yield (key, *path)


def _with(value: Any, path: tuple[str | int, ...], nasty: Any) -> Any:
    if not path:
        return nasty
    whole = copy.deepcopy(value)
    part = whole
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = nasty
    return whole


def _without(value: Any, path: tuple[str | int, ...]) -> Any:
    whole = copy.deepcopy(value)
    part = whole
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return whole
