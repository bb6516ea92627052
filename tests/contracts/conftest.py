"""A contract of a shop that does not exist, to be changed by the tests in every way that a contract can change."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from stoa_devkit.contracts import checking
from stoa_devkit.contracts.problems import Problem
from stoa_events.contract import Event
from stoa_events.personal import Personal

ROOT = Path(__file__).parents[2]
TYPE = "stoa.shop.order.placed.v1"


class Address(BaseModel):
    """Where to."""

    city: str
    street: str


class Parcel(BaseModel, extra="forbid"):
    """A model that refuses fields it doesn't know."""

    grams: int


FIELDS: dict[str, Any] = {
    "order_id": (UUID, Field()),
    "amount": (int, Field(ge=1, le=1000)),
    "status": (Literal["open", "paid", "sent"], Field()),
    "reference": (str, Field(max_length=40)),
    "buyer": (Personal[str], Field()),
    "address": (Address, Field()),
    "parcels": (list[Parcel], Field()),
    "currency": (str, Field("EUR")),
    "note": (str | None, Field(None)),
}
EXAMPLE: dict[str, Any] = {
    "order_id": "0197a3c2-5b0e-7c31-a2f4-1d6b8e09c5a7",
    "amount": 20,
    "status": "open",
    "reference": "order-7",
    "buyer": None,
    "address": {"city": "Athens", "street": "Agora 1"},
    "parcels": [{"grams": 500}],
}
FACTS: dict[str, Any] = {"type": TYPE, "topic": "shop.order", "subject_field": "order_id", "example": EXAMPLE}
Check = Callable[[type[Event]], list[Problem]]


def a_contract(*, without: str = "", facts: dict[str, Any] | None = None, **fields: Any) -> type[Event]:
    """The shop's contract with other fields, without one, or with other facts."""
    of_all = {name: field for name, field in (FIELDS | fields).items() if name != without}
    return a_class({name: of for name, (of, _) in of_all.items()}, {n: f for n, (_, f) in of_all.items()}, facts)


def a_class(annotations: dict[str, Any], values: dict[str, Any], facts: dict[str, Any] | None = None) -> type[Event]:
    of_class = {"__doc__": "Somebody bought something.", **FACTS, **(facts or {})}
    names = {name: ClassVar[Any] for name in of_class if name in Event.__annotations__}
    namespace = {"__module__": __name__, "__qualname__": "OrderPlaced", "__annotations__": {**names, **annotations}}
    made: type[Event] = type(Event)("OrderPlaced", (Event,), {**namespace, **of_class, **values})
    return made


@pytest.fixture(autouse=True)
def _no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shop's contracts don't stay registered."""
    monkeypatch.setattr("stoa_events.contract.REGISTRY", {})


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A folder in which the shop's contract has been released once."""
    event = a_contract()
    checking.release({event.type: event}, tmp_path)
    return tmp_path


@pytest.fixture
def check(released: Path) -> Check:
    """What is wrong with a contract that follows the released one."""
    return lambda event: checking.check({event.type: event}, released)
