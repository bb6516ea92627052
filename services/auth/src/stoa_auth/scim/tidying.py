"""What was said, without what says nothing, and no more of it than anybody needs."""

from typing import Any, Final

from scim2_models import BaseModel, Resource

from stoa_auth.scim.domain import ScimRequestIsWrong

LONGEST_TEXT: Final = 1000
MOST_VALUES: Final = 50


def tidy(item: BaseModel) -> None:
    """Take out what says nothing: empty texts, lists and entries. Raises ScimRequestIsWrong for too much."""
    if isinstance(item, Resource):
        # Those of extensions that we don't know are said as well.
        item.schemas = [str(type(item).__schema__)]
    for name in type(item).model_fields:
        value = getattr(item, name)
        if isinstance(value, BaseModel):
            tidy(value)
            if _is_empty(value):
                setattr(item, name, None)
        elif isinstance(value, list):
            kept = _tidied(value, most=None if name == "members" else MOST_VALUES)
            if kept != value:
                setattr(item, name, kept or None)
        elif isinstance(value, str) and not _is_said(value):
            setattr(item, name, None)


def _tidied(values: list[Any], *, most: int | None) -> list[Any]:
    if most is not None and len(values) > most:
        raise ScimRequestIsWrong(f"Send at most {most} values of an attribute.", scim_type="invalidValue")
    kept = []
    for value in values:
        if isinstance(value, BaseModel):
            tidy(value)
            if not _is_empty(value):
                kept.append(value)
        elif not isinstance(value, str) or _is_said(value):
            kept.append(value)
    return kept


def _is_empty(item: BaseModel) -> bool:
    return all(getattr(item, name) in (None, []) for name in type(item).model_fields)


def _is_said(text: str) -> bool:
    if len(text) > LONGEST_TEXT:
        raise ScimRequestIsWrong(f"Send texts of at most {LONGEST_TEXT} characters.", scim_type="invalidValue")
    return bool(text)
