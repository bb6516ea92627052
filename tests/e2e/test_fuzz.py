"""Whatever is sent to the platform: no 5xx, no success that the document does not tell, every error a problem.

schemathesis makes requests from the gateway's own document, and `nasty.py` spoils sound ones in one place; they go
through the gateway: as a learner and an owner, as an operator, or as nobody, where no token is needed. How many, say
two variables of `fuzzing.py`.
"""

import random
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import schemathesis
from callers import Callers, ids_at, sound_body
from conftest import Platform
from fuzzing import EXAMPLES, SEED, Fuzz, Sound, generated, spoiled
from matrix import Route

from stoa_devkit.environment import OPERATOR_EMAIL


@pytest.fixture(scope="module")
def document(api: httpx2.Client) -> dict[str, Any]:
    told: dict[str, Any] = api.get("/openapi.json").json()
    for operations in told["paths"].values():
        for operation in operations.values():
            # Who asks is ours to say: credentials are not made up.
            operation.pop("security", None)
    return told


def operations(document: dict[str, Any]) -> Iterator[tuple[Any, Route]]:
    """What takes away comes last, so that there is something to ask about until then."""
    made = schemathesis.openapi.from_dict(document).get_all_operations()
    found: list[Any] = [result.ok() for result in made]  # type: ignore[union-attr]
    for operation in sorted(found, key=lambda told: told.method.upper() == "DELETE"):
        yield operation, Route(operation.method.upper(), operation.path, operation.definition.raw)


@pytest.mark.slow
def test_whatever_is_sent_is_answered_as_documented(
    api: httpx2.Client, platform: Platform, document: dict[str, Any]
) -> None:
    fuzz, dice = Fuzz(api), random.Random(SEED)
    callers = Callers(api, platform.stoa, (OPERATOR_EMAIL, platform.environment["AUTH_OPERATOR_PASSWORD"]))

    for operation, route in operations(document):
        fuzz.send(Sound(operation, {}, {}, sound_body(route, {}, document)).request())
        for name in callers.of(route)[: EXAMPLES or 1]:
            headers, ids = callers.get(name)
            known = ids_at(route, ids)
            generated(fuzz, operation, headers, known)
            spoiled(fuzz, Sound(operation, headers, known, sound_body(route, ids, document)), dice)

    assert len(fuzz.answered) == len(list(operations(document)))
    assert not fuzz.wrong, fuzz.report()
