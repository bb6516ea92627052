"""Cursor pages: `{items, next}`, where `next` is an opaque place to continue from, or null at the end."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from stoa_common.database import Session
from stoa_common.errors import FieldError, Invalid

T = TypeVar("T")
DEFAULT_LIMIT = 50
MAX_LIMIT = 200
#: Of a bigint.
LARGEST_BITS = 63


class BadCursor(Invalid):
    """The cursor was not made by this list."""

    def __init__(self) -> None:
        wrong = FieldError(field="after", message="Not a cursor of this list.")
        super().__init__("Send `after` as a page's `next` gave it, or leave it out.", errors=[wrong])


class Page(BaseModel, Generic[T]):
    items: list[T]
    next: str | None = Field(None, description="Send it as `after` to get what follows; null at the end.")


class _PageQuery(BaseModel):
    after: str | None
    limit: int


def _page_query(
    after: Annotated[str | None, Query(max_length=500, description="A page's `next`.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
) -> _PageQuery:
    return _PageQuery(after=after, limit=limit)


PageQuery = Annotated[_PageQuery, Depends(_page_query)]


def encode_cursor(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([str(v) for v in values])).decode().rstrip("=")


def decode_cursor(cursor: str, types: Sequence[type]) -> list[Any]:
    """The values that `encode_cursor` was given, each read back by its type; raises BadCursor."""
    try:
        texts = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(texts, list) or len(texts) != len(types):
            raise BadCursor
        return [_read(kind, text) for kind, text in zip(types, texts, strict=True)]
    except (ValueError, TypeError, binascii.Error):
        raise BadCursor from None


def _read(kind: type, text: object) -> Any:
    """One value of a cursor; what PostgreSQL could not compare with its column is refused here."""
    if not isinstance(text, str) or "\x00" in text:
        raise BadCursor
    value = getattr(kind, "fromisoformat", kind)(text)
    if isinstance(value, datetime) and value.tzinfo is None:
        raise BadCursor
    if isinstance(value, int) and value.bit_length() > LARGEST_BITS:
        raise BadCursor
    return value


async def page(
    session: Session,
    query: "Select[Any]",
    *,
    by: Sequence[InstrumentedAttribute[Any]],
    window: _PageQuery,
) -> tuple[list[Any], str | None]:
    """One page of a query of entities, ascending by `by`, which must be unique together (end it with the id)."""
    if window.after is not None:
        types = [column.type.python_type for column in by]
        query = query.where(tuple_(*by) > tuple_(*decode_cursor(window.after, types)))
    rows = list(await session.scalars(query.order_by(*by).limit(window.limit + 1)))
    if len(rows) <= window.limit:
        return rows, None
    last = rows[window.limit - 1]
    return rows[: window.limit], encode_cursor([getattr(last, column.key) for column in by])
