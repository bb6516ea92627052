"""The second way: made-up events of today's schema are validated by each released one, and the reverse.

It knows nothing of the list of allowed changes, so it finds what that list let through: an optional field in a model
that refuses fields it doesn't know, for example.
"""

import json
from collections.abc import Iterator
from typing import Any

import hypothesis
import jsonschema_rs
from hypothesis.errors import NoSuchExample

from stoa_devkit.contracts.contract import Contract
from stoa_devkit.contracts.generation import KeywordIsUnknown, values
from stoa_devkit.contracts.problems import Problem, Way, next_major
from stoa_devkit.contracts.releases import Release
from stoa_devkit.contracts.schemas import Schema, meaning

TRIES = 200
#: The same events on every machine and in every run.
BOUNDED = hypothesis.settings(
    max_examples=TRIES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
)


def problems(now: Contract, release: Release) -> Iterator[Problem]:
    """An event that one side writes and the other can't read, in either direction."""
    then = release.contract
    if then.schema == now.schema:
        return
    instead = f"Give the field its old shape, or publish {next_major(now.type)} beside this one."
    try:
        if (found := refused(writer=now.schema, reader=then.schema)) is not None:
            what = f"readers of {release.version} refuse an event that may be published today: {_short(found)}."
            yield Problem(now.type, Way.INSTANCES, what, instead)
        if (found := refused(writer=then.schema, reader=now.schema)) is not None:
            what = f"today's readers refuse an event that {release.version} allowed, and logs keep: {_short(found)}."
            yield Problem(now.type, Way.INSTANCES, what, instead)
    except KeywordIsUnknown as unknown:
        what = f"its schema uses {unknown}, and no events of it can be made up."
        yield Problem(now.type, Way.INSTANCES, what, "Teach it to stoa_devkit.contracts.generation.")


def refused(*, writer: Schema, reader: Schema) -> Any | None:
    """The simplest data found that fits the writer's schema and not the reader's. Raises KeywordIsUnknown."""
    accepts = jsonschema_rs.validator_for(reader, validate_formats=True).is_valid
    try:
        return hypothesis.find(values(meaning(writer)), lambda data: not accepts(data), settings=BOUNDED)
    except NoSuchExample:
        return None


def _short(data: Any) -> str:
    text = json.dumps(data, ensure_ascii=False)
    return text if len(text) <= 400 else f"{text[:400]}..."
