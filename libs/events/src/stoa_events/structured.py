"""Events in CloudEvents' JSON format, as the pull feed, SSE and webhooks bring them.

Source: CloudEvents 1.0.2, JSON Event Format, sections 2 and 3. What comes out is what a subscriber on Kafka gets: the
same classes and the same ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from stoa_events.contracts import REGISTRY, Event
from stoa_events.envelope import BadEnvelope, Envelope


class BadData(ValueError):
    """An event's data are not what its contract says; the message names the fields, and never their values."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event of a type that this version of stoa-events does not know: a newer Stoa has published it."""

    type: str
    data: Any = field(repr=False)


def parse(event: bytes | str | Mapping[str, Any]) -> tuple[Envelope, Event | Unknown]:
    """Read one event: a webhook's body, the `data` of an SSE message, or an item of the pull feed.

    Raises BadEnvelope where it is no CloudEvent, BadData where it is one but breaks its contract.
    """
    attributes = dict(event) if isinstance(event, Mapping) else _object(event)
    data = attributes.pop("data", None)
    envelope = Envelope.from_attributes(_texts(attributes))
    return envelope, read_data(envelope.type, data)


def read_data(type_: str, data: Any) -> Event | Unknown:
    """The typed event; `Unknown` with the data as they came where no contract here has the type. Raises BadData."""
    if type_ not in REGISTRY:
        return Unknown(type_, data)
    # As JSON and not as Python: the contract reads the same text here and on Kafka, by the same rules.
    return parse_data(type_, to_json(data))


def parse_data(type_: str, data: bytes) -> Event:
    """The event of a registered type from its JSON, as it is a record's value on Kafka. Raises BadData."""
    try:
        return REGISTRY[type_].parse(data)
    except ValidationError as error:
        raise BadData(describe(type_, error)) from None


def describe(type_: str, error: ValidationError) -> str:
    """Which fields are wrong, in one line. Their values stay out of it: they may be personal, and lines are logged."""
    wrong = [f"{'.'.join(map(str, part['loc'])) or 'the data'}: {part['msg']}" for part in error.errors()]
    return f"Not a {type_}: {'; '.join(wrong)}."


def _object(text: bytes | str) -> dict[str, Any]:
    try:
        # Pydantic's parser: it refuses what is nested too deeply, where json's would raise RecursionError.
        value = from_json(text, allow_inf_nan=False)
    except ValueError:
        raise BadEnvelope("The event is not JSON.") from None
    if not isinstance(value, dict):
        raise BadEnvelope("The event is not a JSON object.")
    return value


def _texts(attributes: Mapping[str, Any]) -> dict[str, str]:
    texts = {}
    for name, value in attributes.items():
        if value is None:
            continue  # Section 2.2: null is the same as absent.
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise BadEnvelope(f"The attribute {name} is neither a text nor a whole number.")
        texts[name] = str(value)
    return texts
