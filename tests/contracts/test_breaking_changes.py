"""A change that breaks a reader is refused, and each of the three ways finds what is its to find."""

from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AfterValidator, BaseModel, Field

from stoa_devkit.contracts import checking
from stoa_devkit.contracts.problems import Way

from .conftest import TYPE, Address, Check, a_contract

DIFF, INSTANCES, EXAMPLES = Way.DIFF, Way.INSTANCES, Way.EXAMPLES


class AddressWithoutStreet(BaseModel):
    city: str


class AddressInACountry(Address):
    country: str


class ParcelWithContent(BaseModel, extra="forbid"):
    """`Parcel` with an optional field: readers that hold the old model refuse the new field."""

    grams: int
    content: str | None = None


def _not_to_athens(address: Address) -> Address:
    if address.city == "Athens":
        raise ValueError("we no longer send there")
    return address


def _loud(text: str) -> str:
    return text.upper()


#: What was changed -> today's contract, and exactly the ways that find it.
BREAKING: dict[str, tuple[Any, set[Way]]] = {
    "a field is gone": (lambda: a_contract(without="amount"), {DIFF, INSTANCES, EXAMPLES}),
    "an optional field is gone": (lambda: a_contract(without="note"), {DIFF}),
    "a field is new and required": (lambda: a_contract(shop=(str, Field())), {DIFF, INSTANCES, EXAMPLES}),
    "an optional field is required": (lambda: a_contract(note=(str | None, Field())), {DIFF, INSTANCES, EXAMPLES}),
    "a required field is optional": (lambda: a_contract(reference=(str, Field("", max_length=40))), {DIFF, INSTANCES}),
    "a type is narrower": (lambda: a_contract(reference=(UUID, Field())), {DIFF, INSTANCES, EXAMPLES}),
    "a type is wider": (lambda: a_contract(amount=(float, Field(ge=1, le=1000))), {DIFF, INSTANCES}),
    "a field is null at times": (lambda: a_contract(order_id=(UUID | None, Field())), {DIFF, INSTANCES}),
    "an enum has lost a value": (lambda: a_contract(status=(Literal["open", "paid"], Field())), {DIFF, INSTANCES}),
    "an enum has a further value": (
        lambda: a_contract(status=(Literal["open", "paid", "sent", "lost"], Field())),
        {DIFF, INSTANCES},
    ),
    "a range is narrower": (lambda: a_contract(amount=(int, Field(ge=1, le=999))), {DIFF, INSTANCES}),
    "a range is wider": (lambda: a_contract(amount=(int, Field(ge=0, le=1000))), {DIFF, INSTANCES}),
    "a text is shorter": (lambda: a_contract(reference=(str, Field(max_length=39))), {DIFF, INSTANCES}),
    "a personal field is in the clear": (lambda: a_contract(buyer=(str, Field())), {DIFF, INSTANCES, EXAMPLES}),
    "a field inside is gone": (
        lambda: a_contract(address=(AddressWithoutStreet, Field())),
        {DIFF, INSTANCES, EXAMPLES},
    ),
    "a field inside is new and required": (
        lambda: a_contract(address=(AddressInACountry, Field())),
        {DIFF, INSTANCES, EXAMPLES},
    ),
    # Only the diff sees these: the data fit as before, and mean something else or lie somewhere else.
    "a default is another": (lambda: a_contract(currency=(str, Field("USD"))), {DIFF}),
    "the topic is another": (lambda: a_contract(facts={"topic": "shop.sale"}), {DIFF}),
    "the key is another": (lambda: a_contract(facts={"subject_field": "reference"}), {DIFF}),
    "the topic has more partitions": (lambda: a_contract(facts={"partitions": 24}), {DIFF}),
    "an aggregate has one event only": (lambda: a_contract(facts={"single": True}), {DIFF}),
    # The diff allows an optional field wherever it is; made-up events know better.
    "an optional field in a model that refuses others": (
        lambda: a_contract(parcels=(list[ParcelWithContent], Field())),
        {INSTANCES},
    ),
    # No schema says what a validator does.
    "a validator is stricter": (
        lambda: a_contract(address=(Annotated[Address, AfterValidator(_not_to_athens)], Field())),
        {EXAMPLES},
    ),
    "a value is read in another way": (
        lambda: a_contract(reference=(Annotated[str, AfterValidator(_loud)], Field(max_length=40))),
        {EXAMPLES},
    ),
}


@pytest.mark.parametrize("change", BREAKING)
def test_a_breaking_change_is_found_by_its_ways_and_no_others(change: str, check: Check) -> None:
    changed, ways = BREAKING[change]

    found = check(changed())

    assert {problem.way for problem in found} - {Way.CONTRACT} == ways
    assert {problem.subject for problem in found} == {TYPE}


def test_each_way_is_the_only_one_that_finds_something() -> None:
    alone = {next(iter(ways)) for _, ways in BREAKING.values() if len(ways) == 1}

    assert alone == {DIFF, INSTANCES, EXAMPLES}


def test_a_type_that_is_gone_is_found(released: Path) -> None:
    found = checking.check({}, released)

    assert [(problem.subject, problem.way) for problem in found] == [(TYPE, DIFF)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("a field is new and required", "data.shop is new and required"),
        ("an optional field is required", "Make it optional, with a default."),
        ("a range is narrower", "maximum was 1000 and is 999 (since 1.0)"),
        ("an enum has lost a value", "publish stoa.shop.order.placed.v2 beside this one"),
        ("the topic has more partitions", "its partitions was 12 and is 24 (since 1.0)"),
        ("a validator is stricter", "address: Value error, we no longer send there"),
        ("an optional field in a model that refuses others", "readers of 1.0 refuse an event"),
    ],
)
def test_a_problem_is_one_line_that_says_what_to_do(change: str, said: str, check: Check) -> None:
    lines = [str(problem) for problem in check(BREAKING[change][0]())]

    assert any(said in line for line in lines)
    assert all(line.startswith(f"{TYPE}: ") and "\n" not in line for line in lines)


def test_made_up_events_are_the_same_in_every_run(check: Check) -> None:
    changed = BREAKING["a range is narrower"][0]

    assert check(changed()) == check(changed())
