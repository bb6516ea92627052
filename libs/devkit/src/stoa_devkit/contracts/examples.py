"""The third way: every released example is read by today's model, and written again says the same."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from stoa_devkit.contracts.contract import Contract
from stoa_devkit.contracts.problems import Problem, Way, next_major
from stoa_devkit.contracts.releases import Release
from stoa_events.contract import Event


def problems(event: type[Event], release: Release) -> Iterator[Problem]:
    """Released examples that today's model refuses or reads in another way."""
    instead = f"Let the model read it as before, or publish {next_major(event.type)} beside this one."
    for example in release.contract.examples:
        if what := reading(event, example):
            yield Problem(event.type, Way.EXAMPLES, f"the example of {release.version} {what}.", instead)


def incomplete(now: Contract, event: type[Event]) -> Iterator[Problem]:
    """Why an event can't be shown to others by its own example."""
    instead = "Give the class an `example`: the data of one event, in JSON's shapes."
    example = now.examples[0]
    if not example:
        yield Problem(now.type, Way.CONTRACT, "has no example.", instead)
    elif what := reading(event, example):
        yield Problem(now.type, Way.CONTRACT, f"its example {what}.", instead)
    elif reason := _refusal(now, example):
        yield Problem(now.type, Way.CONTRACT, f"its example does not fit its schema: {reason}.", instead)


def _refusal(now: Contract, example: Any) -> str | None:
    errors = jsonschema_rs.validator_for(now.schema, validate_formats=True).iter_errors(example)
    return next((error.message for error in errors), None)


def reading(event: type[Event], example: Any) -> str | None:
    """What is wrong with how a model reads an example, as the rest of a sentence; None if nothing is."""
    try:
        back = json.loads(event.parse(json.dumps(example).encode()).data())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"is refused: {'.'.join(map(str, first['loc'])) or 'data'}: {first['msg']}"
    except PydanticSerializationError as error:
        return f"can't be written again: {error}"
    return _lost(example, back)


def _lost(before: Any, after: Any, place: str = "data") -> str | None:
    """Where what was read differs; fields that came later may be there as well."""
    if isinstance(before, dict) and isinstance(after, dict):
        missing = (f"loses {place}.{name}" for name in before if name not in after)
        inside = (_lost(before[name], after[name], f"{place}.{name}") for name in before if name in after)
        return next((found for found in (*missing, *inside) if found), None)
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return next((found for n, (old, new) in pairs if (found := _lost(old, new, f"{place}[{n}]"))), None)
    return None if before == after else f"has {place} read as {after!r} instead of {before!r}"
