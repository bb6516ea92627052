"""A chain of hashes shows whatever was done to an export of it."""

import io
import itertools
import json
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_common import hash_chain
from stoa_common.hash_chain import GENESIS, BrokenChain, Chain

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DETAILS = st.lists(st.dictionaries(TEXTS, TEXTS | st.integers() | st.none(), max_size=3), min_size=1, max_size=6)


def an_export(details: Sequence[Mapping[str, object]], *, name: str = "platform") -> list[bytes]:
    lines, head = [], GENESIS
    for number, after in enumerate(details, 1):
        body = hash_chain.canonical({"chain": name, "number": number, "after": after})
        previous, head = head, hash_chain.digest(head, body)
        lines.append(hash_chain.link_line(previous=previous, body=body, hash=head))
    return [*lines, hash_chain.end_line(name, head=head, records=len(lines))]


def lines_of(export: bytes) -> list[bytes]:
    """The lines of a file, as Python reads them in binary."""
    return list(io.BytesIO(export))


@given(DETAILS)
def test_what_was_written_holds(details: list[dict[str, object]]) -> None:
    chain = hash_chain.verify_export(an_export(details))

    assert (chain.name, chain.number) == ("platform", len(details))


@given(DETAILS, st.data())
def test_any_altered_byte_is_found(details: list[dict[str, object]], data: st.DataObject) -> None:
    export = bytearray(b"".join(an_export(details)))
    place = data.draw(st.integers(0, len(export) - 1))
    export[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(BrokenChain):
        hash_chain.verify_export(lines_of(bytes(export)))


@given(DETAILS, st.data())
def test_any_byte_that_was_taken_out_or_put_in_is_found(details: list[dict[str, object]], data: st.DataObject) -> None:
    export = b"".join(an_export(details))
    place = data.draw(st.integers(0, len(export) - 1))
    put_in = data.draw(st.binary(max_size=1))

    with pytest.raises(BrokenChain):
        hash_chain.verify_export(lines_of(export[:place] + put_in + export[place + (not put_in) :]))


@given(DETAILS, st.data())
def test_any_line_that_was_removed_repeated_or_swapped_is_found(
    details: list[dict[str, object]], data: st.DataObject
) -> None:
    lines = an_export(details)
    first, second = data.draw(st.permutations(range(len(lines))))[:2]
    swapped = list(lines)
    swapped[first], swapped[second] = lines[second], lines[first]

    for changed in (swapped, lines[:first] + lines[first + 1 :], [*lines[: first + 1], *lines[first:]]):
        with pytest.raises(BrokenChain):
            hash_chain.verify_export(changed)


def test_the_first_bad_record_is_named() -> None:
    lines = an_export([{"a": number} for number in range(1, 8)])
    altered = [*lines[:3], lines[3].replace(b'"a":4', b'"a":5'), *lines[4:]]

    for changed, number in ((altered, 4), (lines[:2] + lines[3:], 3), ([*lines[:5], lines[1], *lines[5:]], 6)):
        with pytest.raises(BrokenChain) as broken:
            hash_chain.verify_export(changed)
        assert broken.value.number == number


def test_a_forged_end_is_found_by_a_head_that_was_noted() -> None:
    whole = an_export([{"a": number} for number in range(5)])
    noted = bytes.fromhex(json.loads(whole[-1])["head"])
    cut = an_export([{"a": number} for number in range(4)])
    rewritten = an_export([{"a": 9}, *({"a": number} for number in range(1, 7))])

    assert hash_chain.verify_export(cut).number == 4
    for forged in (cut, rewritten):
        with pytest.raises(BrokenChain, match="noted head"):
            hash_chain.verify_export(forged, Chain(noted))


def test_a_log_that_has_grown_still_has_the_noted_head() -> None:
    details = [{"a": number} for number in range(6)]
    noted = bytes.fromhex(json.loads(an_export(details[:3])[-1])["head"])

    assert hash_chain.verify_export(an_export(details), Chain(noted)).number == 6


def test_records_of_two_chains_do_not_mix() -> None:
    mine, others = (an_export([{"a": 1}, {"a": 2}], name=name) for name in ("mine", "others"))

    for lines in itertools.product([mine[0], others[0]], [mine[1], others[1]], [mine[2], others[2]]):
        if len({line for line in lines if line in mine}) not in {0, 3}:
            with pytest.raises(BrokenChain):
                hash_chain.verify_export(lines)


def test_an_empty_log_holds() -> None:
    assert hash_chain.verify_export(an_export([])).number == 0
