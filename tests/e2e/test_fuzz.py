"""Whatever is sent to the platform: no 5xx, no success that the document does not tell, every error a problem.

The package `sound` asks every operation so that it succeeds, `nasty.py` spoils such requests in one place, and
schemathesis makes others from the gateway's own document; they go through the gateway: as a learner and an owner, as
an operator, or as nobody, where no token is needed. How many, say two variables of `fuzzing.py`.
"""

import random
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
import schemathesis
from callers import Callers, sound_body
from conftest import Platform
from fuzzing import EXAMPLES, SEED, Fuzz, Sound, generated, spoiled
from matrix import Route
from sound import SOMETIMES, UNANSWERED, Asked, how_to_ask, sound_request

from stoa_devkit.environment import OPERATOR_EMAIL


@pytest.fixture(scope="module")
def document(api: httpx2.Client) -> dict[str, Any]:
    told: dict[str, Any] = _without_tuples(api.get("/openapi.json").json())
    for operations in told["paths"].values():
        for operation in operations.values():
            # Who asks is ours to say: credentials are not made up.
            operation.pop("security", None)
    return told


def _without_tuples(part: Any) -> Any:
    """The document with a list of any of its parts for each tuple: schemathesis can't check answers against those."""
    if isinstance(part, list):
        return [_without_tuples(each) for each in part]
    if not isinstance(part, dict):
        return part
    made = {name: _without_tuples(value) for name, value in part.items() if name != "prefixItems"}
    return made | {"items": {"anyOf": _without_tuples(part["prefixItems"])}} if "prefixItems" in part else made


def operations(document: dict[str, Any]) -> Iterator[tuple[Any, Route]]:
    """What takes away comes last, so that there is something to ask about until then."""
    made = schemathesis.openapi.from_dict(document).get_all_operations()
    found: list[Any] = [result.ok() for result in made]  # type: ignore[union-attr]
    for operation in sorted(found, key=lambda told: told.method.upper() == "DELETE"):
        yield operation, Route(operation.method.upper(), operation.path, operation.definition.raw)


@dataclass
class Memory:
    """Of what was asked well, for what comes after it: to make all that anew takes half a minute."""

    sent: set[Hashable] = field(default_factory=set)
    asked: dict[str, Asked] = field(default_factory=dict)

    def recall(self, route: Route, callers: Callers) -> Asked:
        return self.asked.get(route.name) or how_to_ask(route, callers)


@pytest.fixture(scope="module")
def callers(api: httpx2.Client, platform: Platform) -> Callers:
    return Callers(api, platform, (OPERATOR_EMAIL, platform.environment["AUTH_OPERATOR_PASSWORD"]))


@pytest.fixture(scope="module")
def memory() -> Memory:
    return Memory()


@pytest.mark.slow
def test_every_operation_succeeds_for_who_asks_it_well(
    api: httpx2.Client, callers: Callers, document: dict[str, Any], memory: Memory
) -> None:
    fuzz = Fuzz(api, memory.sent)

    for operation, route in operations(document):
        memory.asked[route.name] = how_to_ask(route, callers)
        fuzz.send(sound_request(operation, memory.asked[route.name], callers, document).request())

    assert len(fuzz.answered) == len(list(operations(document)))
    assert not fuzz.wrong, fuzz.report()
    refused = {name: answers for name, answers in fuzz.answered.items() if min(answers) >= httpx2.codes.BAD_REQUEST}
    missing = {name: answers for name, answers in refused.items() if name not in {**UNANSWERED, **SOMETIMES}}
    assert not missing, f"Say in the package `sound` how these succeed, or in its UNANSWERED why they can't: {missing}"
    assert not set(UNANSWERED) - set(refused), "These succeed: take them from UNANSWERED."


@pytest.mark.slow
def test_whatever_is_sent_is_answered_as_documented(
    api: httpx2.Client, callers: Callers, document: dict[str, Any], memory: Memory
) -> None:
    fuzz, dice = Fuzz(api, memory.sent), random.Random(SEED)

    for operation, route in operations(document):
        fuzz.send(Sound(operation, {}, {}, sound_body(route, {}, document)).request())
        for name in [None, *callers.of(route)[1:]][: EXAMPLES or 1]:
            asked = how_to_ask(route, callers) if EXAMPLES else memory.recall(route, callers)
            sound = sound_request(operation, asked, callers, document, by=name)
            spoiled(fuzz, sound, dice)
            generated(fuzz, sound)
        if route.method != "GET":
            callers.doubt()

    assert fuzz.statuses.total() > 2 * len(list(operations(document)))
    assert not fuzz.wrong, fuzz.report()
