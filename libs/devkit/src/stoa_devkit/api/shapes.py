"""What may change in a JSON Schema (2020-12) that clients rely on.

A request is written by released clients and read by today's server: it may take more, never less. An answer is written
by today's server and read by released clients: it may say more, but nothing that they read may go, change its type, or
be missing. New values of an enum are allowed in answers, since clients are told that more may come.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]
#: Bounds of what is taken, and whether a new one is tighter.
_BOUNDS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    **dict.fromkeys(
        ("minLength", "minimum", "exclusiveMinimum", "minItems"), lambda old, new: old is None or new > old
    ),
    **dict.fromkeys(
        ("maxLength", "maximum", "exclusiveMaximum", "maxItems"), lambda old, new: old is None or new < old
    ),
    "pattern": lambda old, new: new != old,
}
_ANY: Final[Schema] = {}


class Shapes:
    """The schemas of two documents, in one direction."""

    def __init__(self, released: Mapping[str, Any], now: Mapping[str, Any], *, of_requests: bool) -> None:
        self._released = released
        self._now = now
        self._of_requests = of_requests
        #: Pairs that are being compared: a model that holds itself is compared once.
        self._inside: set[tuple[str, str]] = set()

    def breaks(self, old: Schema, new: Schema, place: str) -> Iterator[str]:
        """What keeps released clients from going on, one sentence each."""
        pair = (str(old.get("$ref", "")), str(new.get("$ref", "")))
        if pair in self._inside:
            return
        if all(pair):
            self._inside.add(pair)
        try:
            yield from self._of_options(old, new, place)
        finally:
            self._inside.discard(pair)

    def _of_options(self, old: Schema, new: Schema, place: str) -> Iterator[str]:
        before, was_nullable = _options(old, self._released)
        today, is_nullable = _options(new, self._now)
        if self._of_requests and was_nullable and not is_nullable:
            yield f"{place} does not take null any more"
        if not self._of_requests and is_nullable and not was_nullable:
            yield f"{place} may be null now"
        if before == [old] and today == [new]:
            yield from self._of_one(_whole(old, self._released), _whole(new, self._now), place)
        elif len(before) == len(today) == 1:
            yield from self.breaks(before[0], today[0], place)
        elif self._of_requests:
            lost = [option for option in before if not any(self._fits(option, one, place) for one in today)]
            yield from (f"{place} does not take {_told(_whole(option, self._released))} any more" for option in lost)
        else:
            strange = [option for option in today if not any(self._fits(one, option, place) for one in before)]
            yield from (f"{place} may be {_told(_whole(option, self._now))} now" for option in strange)

    def _fits(self, old: Schema, new: Schema, place: str) -> bool:
        return not any(True for _ in self.breaks(old, new, place))

    def _of_one(self, old: Schema, new: Schema, place: str) -> Iterator[str]:
        sent, taken = (old, new) if self._of_requests else (new, old)
        if not _is_within(sent.get("type"), taken.get("type")):
            yield f"{place} was {_told(old)} and is {_told(new)}"
            return
        yield from self._values(sent, taken, place)
        if taken.get("format") and sent.get("format") != taken["format"]:
            yield f"{place} was in the format {old.get('format')} and is in {new.get('format')}"
        if self._of_requests:
            yield from _bounds(old, new, place)
        yield from self._fields(old, new, place)
        for keyword, name in (("items", "[]"), ("additionalProperties", ".*")):
            if isinstance(old.get(keyword), Mapping) and isinstance(new.get(keyword), Mapping):
                yield from self.breaks(old[keyword], new[keyword], place + name)

    def _values(self, sent: Schema, taken: Schema, place: str) -> Iterator[str]:
        sends, takes = _enum(sent), _enum(taken)
        if takes is None:
            return
        if sends is None:
            yield f"{place} was {'anything' if self._of_requests else 'one of a few values'}, and is not any more"
        elif self._of_requests and (lost := [value for value in sends if value not in takes]):
            yield f"{place} does not take {', '.join(map(repr, lost))} any more"

    def _fields(self, old: Schema, new: Schema, place: str) -> Iterator[str]:
        before, today = old.get("properties", _ANY), new.get("properties", _ANY)
        was_required, is_required = set(old.get("required", ())), set(new.get("required", ()))
        for name in before:
            if name in today:
                yield from self.breaks(before[name], today[name], f"{place}.{name}")
            else:
                yield f"{place}.{name} is gone"
        if self._of_requests:
            yield from (f"{place}.{name} is required now" for name in sorted(is_required - was_required))
            if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
                yield f"{place} does not take other fields any more"
        else:
            may_be_missing = sorted((was_required - is_required) & today.keys())
            yield from (f"{place}.{name} may be missing now" for name in may_be_missing)


def _whole(schema: Schema, document: Mapping[str, Any]) -> Schema:
    """The schema with its references followed and the parts of `allOf` laid over one another."""
    while "$ref" in schema:
        found: Any = document
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        schema = {**found, **{keyword: value for keyword, value in schema.items() if keyword != "$ref"}}
    if "allOf" not in schema:
        return schema
    laid: dict[str, Any] = {keyword: value for keyword, value in schema.items() if keyword != "allOf"}
    for one in schema["allOf"]:
        piece = _whole(one, document)
        fields = {**piece.get("properties", {}), **laid.get("properties", {})}
        required = [*piece.get("required", ()), *laid.get("required", ())]
        laid = {**piece, **laid, **({"properties": fields, "required": required} if fields else {})}
    return laid


def _options(schema: Schema, document: Mapping[str, Any]) -> tuple[list[Schema], bool]:
    """What a value may be, as it is written, and whether it may also be null."""
    whole = _whole(schema, document)
    for keyword in ("anyOf", "oneOf"):
        if keyword in whole:
            options = [option for option in whole[keyword] if _whole(option, document).get("type") != "null"]
            return options, len(options) < len(whole[keyword])
    kinds = whole.get("type")
    if not isinstance(kinds, list):
        # With its reference: a model that holds itself is known by that.
        return [schema], False
    return [{**whole, "type": kind} for kind in kinds if kind != "null"], "null" in kinds


def _is_within(sent: str | None, taken: str | None) -> bool:
    return taken is None or sent == taken or (sent == "integer" and taken == "number")


def _enum(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _bounds(old: Schema, new: Schema, place: str) -> Iterator[str]:
    for keyword, is_tighter in _BOUNDS.items():
        if keyword in new and is_tighter(old.get(keyword), new[keyword]):
            yield f"{place} has {keyword} {new[keyword]!r} now, and had {old.get(keyword, 'none')!r}"


def _told(schema: Schema) -> str:
    return str(schema.get("type") or schema.get("title") or "anything")
