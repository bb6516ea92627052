"""Made-up data of a schema: what a publisher that holds this schema could write.

Publishers write the fields that they know and no others, so an object that says nothing about further fields gets none.
Ours, because the known generators of JSON Schema instances have not been released for years or draw no bounds; it knows
the keywords that Pydantic renders for contracts, and refuses any other rather than leave it out.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import jsonschema_rs
from hypothesis import strategies as st

from stoa_devkit.contracts.schemas import Schema

Values = st.SearchStrategy[Any]
LONGEST_LIST = 4
#: Texts up to here are also drawn at their full length, where a reader's limit would be noticed.
LONGEST_TEXT = 2000
_SCALARS: Values = st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=8)
ANYTHING: Values = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
_ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])


class KeywordIsUnknown(ValueError):
    """A schema uses a keyword that the generator doesn't know."""


def values(schema: Schema) -> Values:
    """Data that fits a schema (as `schemas.meaning` gives it). Raises KeywordIsUnknown."""
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            _refuse_others(schema, {keyword})
            return st.one_of([values(option) for option in schema[keyword]])
    if "type" not in schema:
        _refuse_others(schema, set())
        return ANYTHING
    if not isinstance(schema["type"], str) or schema["type"] not in _MAKERS:
        raise KeywordIsUnknown(f"type {schema['type']!r}")
    make, known = _MAKERS[schema["type"]]
    _refuse_others(schema, known)
    return make(schema)


def _refuse_others(schema: Schema, known: set[str]) -> None:
    for keyword in schema:
        if keyword not in known | {"type", "default"} and not keyword.startswith("x-"):
            raise KeywordIsUnknown(keyword)


def _integers(schema: Schema) -> Values:
    lowest, highest = schema.get("minimum", -(2**53)), schema.get("maximum", 2**53)
    if "exclusiveMinimum" in schema:
        lowest = schema["exclusiveMinimum"] + 1
    if "exclusiveMaximum" in schema:
        highest = schema["exclusiveMaximum"] - 1
    return st.sampled_from([lowest, highest]) | st.integers(lowest, highest)


def _numbers(schema: Schema) -> Values:
    lowest = schema.get("minimum", schema.get("exclusiveMinimum"))
    highest = schema.get("maximum", schema.get("exclusiveMaximum"))
    return st.floats(
        lowest,
        highest,
        exclude_min="exclusiveMinimum" in schema,
        exclude_max="exclusiveMaximum" in schema,
        allow_nan=False,
        allow_infinity=False,
    )


def _texts(schema: Schema) -> Values:
    if "format" in schema:
        if schema["format"] not in _FORMATS:
            raise KeywordIsUnknown(f"format {schema['format']!r}")
        return _FORMATS[schema["format"]]
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength")
    if "pattern" in schema:
        # Python's patterns differ in places: its `$` also stands before a last line break.
        return st.from_regex(schema["pattern"]).filter(jsonschema_rs.validator_for(schema).is_valid)
    # Unpaired surrogates are no UTF-8, and null characters are refused by PostgreSQL: no publisher writes them.
    letters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
    texts = st.text(letters, min_size=shortest, max_size=longest)
    if longest is None or longest > LONGEST_TEXT:
        return texts
    return texts | st.just("a" * longest)


def _lists(schema: Schema) -> Values:
    shortest, longest = schema.get("minItems", 0), schema.get("maxItems")
    usual = max(shortest, LONGEST_LIST if longest is None else min(longest, LONGEST_LIST))
    items = values(schema.get("items", {}))
    lists = st.lists(items, min_size=shortest, max_size=usual)
    if longest is None or longest <= usual:
        return lists
    return lists | st.lists(items, min_size=longest, max_size=longest)


def _objects(schema: Schema) -> Values:
    fields, required = schema.get("properties", {}), set(schema.get("required", []))
    known = st.fixed_dictionaries(
        {name: values(each) for name, each in fields.items() if name in required},
        optional={name: values(each) for name, each in fields.items() if name not in required},
    )
    further = schema.get("additionalProperties", False)
    if further is False:
        return known
    names = st.text(max_size=8).filter(lambda name: name not in fields)
    others = st.dictionaries(names, ANYTHING if further is True else values(further), max_size=3)
    return st.builds(lambda some, more: {**some, **more}, known, others)


_FORMATS: dict[str, Values] = {
    "uuid": st.uuids().map(str),
    "date": st.dates().map(str),
    "date-time": st.datetimes(timezones=_ZONES).map(datetime.isoformat),
    "uri": st.from_regex(r"https://[a-z]{1,10}\.example/[a-z0-9]{0,10}", fullmatch=True),
    "email": st.from_regex(r"[a-z]{1,10}@[a-z]{1,10}\.example", fullmatch=True),
}
_MAKERS: dict[str, tuple[Callable[[Schema], Values], set[str]]] = {
    "null": (lambda _: st.none(), set()),
    "boolean": (lambda _: st.booleans(), set()),
    "integer": (_integers, {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
    "number": (_numbers, {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
    "string": (_texts, {"format", "pattern", "minLength", "maxLength", "contentEncoding"}),
    "array": (_lists, {"items", "minItems", "maxItems"}),
    "object": (_objects, {"properties", "required", "additionalProperties"}),
}
