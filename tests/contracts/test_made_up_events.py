"""The events that the check makes up are what a publisher could write, and any change of shape shows in them."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoa_devkit.contracts.generation import KeywordIsUnknown, values
from stoa_devkit.contracts.instances import refused
from stoa_devkit.contracts.schemas import meaning, schema_of
from stoa_events.contract import Event
from stoa_events.contracts import REGISTRY

LIMITS = st.integers(0, 20)
SIMPLE = st.sampled_from(
    [{"type": "null"}, {"type": "boolean"}, {"type": "integer"}, {"type": "number"}, {"type": "string"}, {}]
    + [{"type": "string", "format": name} for name in ("uuid", "date", "date-time", "uri", "email")]
)
BOUNDED = st.one_of(
    st.builds(lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more}, LIMITS, LIMITS),
    st.builds(lambda low, more: {"type": "number", "minimum": low, "exclusiveMaximum": low + more + 1}, LIMITS, LIMITS),
    st.builds(lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more}, LIMITS, LIMITS),
    st.builds(lambda of: {"enum": of}, st.lists(st.text(max_size=3), min_size=1, max_size=3, unique=True)),
    st.just({"type": "string", "pattern": "^[a-f0-9]{4,8}$"}),
)
NAMES = st.sampled_from(["a", "b", "c"])


def _nested(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    fields = st.dictionaries(NAMES, inner, max_size=3)
    return st.one_of(
        st.builds(lambda of: {"type": "array", "items": of, "maxItems": 3}, inner),
        st.builds(lambda of: {"anyOf": of}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda of: {"type": "object", "additionalProperties": of}, inner),
        st.builds(lambda of: {"type": "object", "properties": of, "required": sorted(of)[:1]}, fields),
    )


SCHEMAS = st.recursive(SIMPLE | BOUNDED, _nested, max_leaves=4)


@given(st.data(), SCHEMAS)
def test_made_up_data_fit_their_schema(data: st.DataObject, schema: dict[str, Any]) -> None:
    made = data.draw(values(schema))

    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(made)


@pytest.mark.parametrize("event", REGISTRY.values(), ids=lambda event: event.type)
def test_events_of_every_contract_can_be_made_up(event: type[Event]) -> None:
    schema = schema_of(event)
    accepts = jsonschema_rs.validator_for(schema, validate_formats=True)

    @settings(max_examples=10, database=None)
    @given(values(meaning(schema)))
    def fits(made: Any) -> None:
        accepts.validate(made)

    fits()


@pytest.mark.parametrize("limit", ["minimum", "maximum"])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (-50, 1000), (1, 2**40)])
def test_a_limit_that_moves_by_one_is_noticed(limit: str, low: int, high: int) -> None:
    field = {"type": "integer", "minimum": low, "maximum": high}
    moved = {**field, limit: field[limit] + (1 if limit == "minimum" else -1)}  # type: ignore[operator]

    assert refused(writer=_of(field), reader=_of(moved)) is not None
    assert refused(writer=_of(moved), reader=_of(field)) is None


def _of(field: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"field": field}, "required": ["field"]}


@pytest.mark.parametrize("schema", [{"type": "string", "format": "color"}, {"type": "integer", "multipleOf": 3},
                                    {"type": ["string", "null"]}, {"allOf": [{}]}, {"not": {}}])  # fmt: skip
def test_a_keyword_that_is_unknown_is_refused_and_not_left_out(schema: dict[str, Any]) -> None:
    with pytest.raises(KeywordIsUnknown):
        values(meaning(schema))
