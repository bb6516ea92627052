"""A chain of records, each with the hash of the one before it: none is changed, taken out or put in unseen.

The hash of record n is SHA-256 over the hash of record n - 1 (32 zero bytes before the first) and the canonical bytes
of record n: JSON in UTF-8, names sorted by code point, no spaces. Numbers start at 1 and leave none out.

An export has a line a record, `{"hash", "previous", "record"}`, and ends with `{"chain", "head", "records"}`, each
written canonically too: so every byte of it is checked, and a download that was cut is seen. Whoever could rewrite
the whole chain could hash it anew: only a head that was noted elsewhere shows that, and what was cut off with the last
line written anew.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

GENESIS: Final = bytes(hashlib.sha256().digest_size)
_LINK: Final = frozenset({"hash", "previous", "record"})
_END: Final = frozenset({"chain", "head", "records"})


class BrokenChain(ValueError):
    """The chain does not hold; `number` is the first record that is not what was written."""

    def __init__(self, number: int, problem: str) -> None:
        super().__init__(f"Record {number}: {problem}")
        self.number = number
        self.problem = problem


def canonical(value: Mapping[str, Any]) -> bytes:
    """The bytes that are hashed. Raises ValueError for what JSON in UTF-8 cannot say."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(previous: bytes, body: bytes) -> bytes:
    return hashlib.sha256(previous + body).digest()


def link_line(*, previous: bytes, body: bytes, hash: bytes) -> bytes:
    """A record's line in an export; `body` is canonical and goes out as it is."""
    return b'{"hash":"%s","previous":"%s","record":%s}\n' % (hash.hex().encode(), previous.hex().encode(), body)


def end_line(name: str, *, head: bytes, records: int) -> bytes:
    """The last line of an export: what the whole chain has."""
    return canonical({"chain": name, "head": head.hex(), "records": records}) + b"\n"


@dataclass
class Chain:
    """One chain, followed from its first record; `noted` is a head that it must have passed."""

    noted: bytes | None = None
    name: str | None = None
    number: int = 0
    head: bytes = GENESIS
    found: bool = False

    def follow(self, record: Mapping[str, Any], *, previous: bytes, body: bytes, hash: bytes) -> None:
        """Take the next record. Raises BrokenChain."""
        number = self.number + 1
        if (given := record.get("number")) != number:
            raise BrokenChain(number, _misplaced(given, number))
        if previous != self.head:
            raise BrokenChain(number, "it does not follow the record before it.")
        if digest(previous, body) != hash:
            raise BrokenChain(number, "it was altered.")
        if self.name is not None and self.name != record.get("chain"):
            raise BrokenChain(number, "it belongs to another chain.")
        self.name, self.number, self.head = record.get("chain"), number, hash
        self.found = self.found or hash == self.noted

    def end(self) -> None:
        """No record follows. Raises BrokenChain where the noted head was not passed."""
        if self.noted is not None and self.noted != GENESIS and not self.found:
            problem = "the noted head is not reached: records are missing, or were rewritten."
            raise BrokenChain(self.number + 1, problem)


def _misplaced(given: object, number: int) -> str:
    if isinstance(given, int) and given > number:
        return "it is missing." if given == number + 1 else f"it and others up to {given - 1} are missing."
    return f"a record with the number {given} stands in its place."


def verify_export(lines: Iterable[bytes], chain: Chain | None = None) -> Chain:
    """The chain that an export's lines, each with its line end, make; followed by `chain`. Raises BrokenChain."""
    chain = chain or Chain()
    ended = False
    for line in lines:
        if ended:
            raise BrokenChain(chain.number + 1, "something follows the export's last line.")
        told = _read(line, chain.number + 1)
        ended = told.keys() == _END
        if ended:
            _end(chain, told)
        else:
            _follow(chain, told)
    if not ended:
        raise BrokenChain(chain.number + 1, "the export ends without its last line: records may be missing.")
    chain.end()
    return chain


def _read(line: bytes, number: int) -> dict[str, Any]:
    try:
        told = json.loads(line)
        if isinstance(told, dict) and told.keys() in (_LINK, _END) and canonical(told) + b"\n" == line:
            return told
    except (ValueError, RecursionError):
        pass
    raise BrokenChain(number, "its line is not as it was written.")


def _follow(chain: Chain, told: Mapping[str, Any]) -> None:
    record, previous, hash = told["record"], _hash(told["previous"]), _hash(told["hash"])
    if not isinstance(record, dict) or previous is None or hash is None:
        raise BrokenChain(chain.number + 1, "its line is not as it was written.")
    chain.follow(record, previous=previous, body=canonical(record), hash=hash)


def _hash(text: object) -> bytes | None:
    return bytes.fromhex(text) if isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text) else None


def _end(chain: Chain, told: Mapping[str, Any]) -> None:
    if told["records"] != chain.number:
        raise BrokenChain(chain.number + 1, f"it is missing: the export's last line counts {told['records']} records.")
    name = told["chain"] if chain.name is None else chain.name
    if canonical(told) + b"\n" != end_line(name, head=chain.head, records=chain.number):
        raise BrokenChain(chain.number, "the export's last line names another head or chain.")
    chain.name = name
