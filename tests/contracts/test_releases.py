"""What was released stays as it was, and only what breaks nobody is added to it."""

import json
import subprocess
from pathlib import Path

import pytest
from pydantic import Field

from stoa_devkit.contracts import checking
from stoa_devkit.contracts.checking import ContractsBreak

from .conftest import TYPE, a_contract

FIRST = f"{TYPE}/1.0.json"


def test_a_first_release_holds_all_that_readers_build_on(released: Path) -> None:
    first = json.loads((released / FIRST).read_text())

    assert {name: first[name] for name in ("type", "topic", "subject", "partitions", "single")} == {
        "type": TYPE,
        "topic": "shop.order",
        "subject": "order_id",
        "partitions": 12,
        "single": False,
    }
    assert first["schema"]["$id"] == "urn:stoa:shop:order:placed:v1"
    assert first["examples"][0]["reference"] == "order-7"


def test_what_is_released_is_not_released_again(released: Path) -> None:
    event = a_contract()
    before = {path: path.read_bytes() for path in released.rglob("*") if path.is_file()}

    written = checking.release({event.type: event}, released)

    assert written == []
    assert {path: path.read_bytes() for path in released.rglob("*") if path.is_file()} == before


def test_other_words_are_no_new_release(released: Path) -> None:
    event = a_contract(facts={"__doc__": "Other words."})

    assert checking.release({event.type: event}, released) == []


def test_a_later_release_leaves_the_earlier_ones_as_they_are(released: Path) -> None:
    first, event = (released / FIRST).read_bytes(), a_contract(shop=(str | None, Field(None)))

    written = checking.release({event.type: event}, released)

    assert [path.relative_to(released).as_posix() for path in written] == [f"{TYPE}/1.1.json"]
    assert (released / FIRST).read_bytes() == first
    assert checking.check({event.type: event}, released) == []


def test_nothing_is_released_while_something_breaks(released: Path) -> None:
    broken, fine = a_contract(without="amount"), a_contract(facts={"type": "stoa.shop.order.paid.v1"})

    with pytest.raises(ContractsBreak, match=r"amount is gone"):
        checking.release({broken.type: broken, fine.type: fine}, released)

    assert [path.name for path in released.rglob("*.json")] == ["1.0.json"]


@pytest.mark.parametrize("example", [{}, {"order_id": 7}, {"buyer": "Ada"}])
def test_a_contract_without_a_whole_example_is_not_released(example: dict[str, object], tmp_path: Path) -> None:
    event = a_contract(facts={"example": example})

    with pytest.raises(ContractsBreak, match="example"):
        checking.release({event.type: event}, tmp_path)


def test_an_edited_release_is_noticed(released: Path) -> None:
    path = released / FIRST
    path.write_text(path.read_text().replace('"maximum": 1000', '"maximum": 999'))

    said = [str(problem) for problem in checking.check({TYPE: a_contract()}, released)]

    assert f"released/{FIRST}: was edited. Restore it from the history: others build on it as it is. [files]" in said


def test_a_deleted_release_is_noticed(released: Path) -> None:
    (released / FIRST).unlink()

    said = [str(problem) for problem in checking.check({TYPE: a_contract()}, released)]

    assert said == [f"released/{FIRST}: is gone. Restore it from the history: others build on it as it is. [files]"]


def test_a_release_by_hand_is_noticed(released: Path) -> None:
    (released / TYPE / "1.1.json").write_text((released / FIRST).read_text())

    (problem,) = checking.check({TYPE: a_contract()}, released)

    assert problem.subject == f"released/{TYPE}/1.1.json"
    assert problem.what == "was not released."


def test_the_digests_are_those_of_sha256sum(released: Path) -> None:
    ran = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=released, capture_output=True, text=True, timeout=20
    )

    assert ran.stdout == f"{FIRST}: OK\n"
