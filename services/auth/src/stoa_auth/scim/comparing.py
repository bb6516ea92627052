"""Values in the form in which filters and orders compare them (RFC 7643, section 2.2; RFC 7644, section 3.4.2.2).

Stored beside the values themselves, so that the database compares as the library does: strings in NFC, in lower case
unless the attribute is exact about it. What is unassigned is left out.
"""

from typing import Any
from unicodedata import normalize

from scim2_models import BaseModel, CaseExact


def folded(text: str) -> str:
    """The text as attributes compare it that are not exact about case."""
    return normalize("NFC", normalize("NFC", text).lower())


def searchable(item: BaseModel) -> dict[str, Any]:
    """What is assigned, by the names of fields: SCIM's own in Python, so that they are never what a client wrote."""
    found = {name: _value(item, name, getattr(item, name)) for name in type(item).model_fields}
    return {name: value for name, value in found.items() if value not in (None, [], {})}


def _value(item: BaseModel, name: str, value: Any) -> Any:
    if isinstance(value, BaseModel):
        return searchable(value)
    if isinstance(value, list):
        return [_value(item, name, each) for each in value if each is not None]
    if isinstance(value, str):
        is_exact = type(item).get_field_annotation(name, CaseExact) == CaseExact.true
        return normalize("NFC", value) if is_exact else folded(value)
    return value
