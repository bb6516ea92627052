"""Records that no handler can take, one of each kind that a consumer has to park, to skip or to set aside."""

import json
from typing import Final

from stoa_events.envelope import Envelope

Headers = list[tuple[str, bytes | None]]
ONE_MEGABYTE: Final = 1_000_000
UNHEARD_OF: Final = b"stoa.content.attempt.unheard-of.v1"
POISON: Final = (
    "bad-json",
    "null-header",
    "non-utf8-header",
    "missing-header",
    "unknown-type",
    "one-megabyte",
    "null-value",
)


def poisoned(kind: str, envelope: Envelope, value: bytes) -> tuple[Headers, bytes | None]:
    """Headers and value of a good event, made bad. Raises ValueError for a kind that is not in POISON."""
    headers: Headers = list(envelope.headers())
    match kind:
        case "bad-json":
            return headers, value[:-1]
        case "null-header":
            return [*headers, ("note", None)], value
        case "non-utf8-header":
            return [*headers, ("note", b"\xff\xfe")], value
        case "missing-header":
            return [(name, text) for name, text in headers if name != "ce_sequence"], value
        case "unknown-type":
            return [(name, UNHEARD_OF if name == "ce_type" else text) for name, text in headers], value
        case "one-megabyte":
            return headers, json.dumps({"junk": "x" * ONE_MEGABYTE}).encode()
        case "null-value":
            return headers, None
    raise ValueError(f"There is no poison {kind}; there are {', '.join(POISON)}.")
