"""JSON Schemas (2020-12) of events, and what of them a program notices."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from stoa_events.contract import Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

#: For people: they change no program. (`discriminator` only repeats what the options' constants say.)
WORDS = frozenset(
    {"title", "description", "examples", "deprecated", "$comment", "$schema", "$id", "$defs", "discriminator"}
)
#: Keywords whose values are schemas: by name, in a list, alone.
BY_NAME = frozenset({"properties", "patternProperties"})
IN_LIST = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
ALONE = frozenset({"items", "additionalProperties", "propertyNames", "contains", "not"})


class ContractIsRecursive(ValueError):
    """A model holds itself, so its meaning has no end."""


class _WithoutMadeUpTitles(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  # the method's shape
        return False


def schema_of(event: type[Event]) -> Schema:
    """The schema of the event's data; its `$id` is what the header `ce_dataschema` says."""
    rendered = event.model_json_schema(schema_generator=_WithoutMadeUpTitles)
    return {"$schema": DIALECT, "$id": event.dataschema(), **rendered}


def meaning(schema: Schema) -> Schema:
    """What a program notices of a schema: references in their place, sets in one order, no words for people.

    Raises ContractIsRecursive.
    """
    return _meaning(schema, schema.get("$defs", {}), ())


def _meaning(schema: Schema, models: Mapping[str, Schema], inside: tuple[str, ...]) -> Schema:
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        if name in inside:
            raise ContractIsRecursive(f"{name} holds itself: put a list of flat items into the event instead.")
        beside = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        return _meaning({**models[name], **beside}, models, (*inside, name))
    return {word: _value(word, value, models, inside) for word, value in schema.items() if word not in WORDS}


def _value(keyword: str, value: Any, models: Mapping[str, Schema], inside: tuple[str, ...]) -> Any:
    if keyword in BY_NAME:
        return {name: _meaning(each, models, inside) for name, each in value.items()}
    if keyword in IN_LIST:
        return [_meaning(each, models, inside) for each in value]
    if keyword in ALONE and isinstance(value, dict):
        return _meaning(value, models, inside)
    if keyword in {"required", "enum"}:
        return sorted(value, key=json.dumps)
    return value
