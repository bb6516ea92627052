"""What readers survive is allowed, so that contracts can grow."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from stoa_devkit.contracts import checking
from stoa_events.contract import Event

from .conftest import EXAMPLE, FIELDS, Address, Check, a_class, a_contract


class Destination(BaseModel):
    """`Address` under another name, with more words."""

    city: str = Field(description="The city.", title="City")
    street: str


class AddressWithZip(Address):
    zip_code: str | None = None


def _in_another_order() -> type[Event]:
    reversed_fields = dict(reversed(FIELDS.items()))
    return a_class({n: of for n, (of, _) in reversed_fields.items()}, {n: f for n, (_, f) in reversed_fields.items()})


ALLOWED: dict[str, Callable[[], type[Event]]] = {
    "nothing": a_contract,
    "other words": lambda: a_contract(
        facts={"__doc__": "Other words."}, order_id=(UUID, Field(description="The order.", title="Order"))
    ),
    "another example": lambda: a_contract(facts={"example": {**EXAMPLE, "amount": 30, "note": "in a hurry"}}),
    "an optional field": lambda: a_contract(shop=(str, Field("online", max_length=20))),
    "an optional field that may be null": lambda: a_contract(seller=(Address | None, Field(None))),
    "an optional field inside": lambda: a_contract(address=(AddressWithZip, Field())),
    "another name of a model inside": lambda: a_contract(address=(Destination, Field())),
    "another order of values": lambda: a_contract(status=(Literal["sent", "paid", "open"], Field())),
    "another order of fields": _in_another_order,
}


@pytest.mark.parametrize("change", ALLOWED)
def test_what_readers_survive_is_allowed(change: str, check: Check) -> None:
    assert check(ALLOWED[change]()) == []


def test_a_contract_grows_over_releases_and_stays_readable_for_all(released: Path) -> None:
    for number, name in enumerate(["shop", "seller", "gift"], 1):
        fields = {each: (str | None, Field(None)) for each in ["shop", "seller", "gift"][:number]}
        event = a_contract(**fields)
        written = checking.release({event.type: event}, released)

        assert [path.name for path in written] == [f"1.{number}.json"], name


def test_a_field_that_a_later_release_added_must_stay(released: Path) -> None:
    grown = a_contract(shop=(str | None, Field(None)))
    checking.release({grown.type: grown}, released)

    found = [str(problem) for problem in checking.check({grown.type: a_contract()}, released)]

    assert len(found) == 1
    assert "data.shop is gone (since 1.1)" in found[0]
