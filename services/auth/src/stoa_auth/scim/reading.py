"""What clients send, read as SCIM; what can't be read is refused with the keyword of RFC 7644, section 3.12."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, TypeVar

import orjson
from pydantic import ValidationError
from scim2_models import Context, Error, PatchOp, Resource, SCIMException, SearchRequest

from stoa_auth.scim.domain import ScimRequestIsWrong
from stoa_auth.scim.schemas import POLICY

R = TypeVar("R", bound=Resource[Any])
_PARAMETERS: Final = ("filter", "sortBy", "sortOrder", "startIndex", "count", "attributes", "excludedAttributes")
_LONGEST_PARAMETER: Final = 4000
#: SCIM needs seven.
_DEEPEST: Final = 20
#: Of those that the library does, which takes its time for each.
MOST_OPERATIONS: Final = 200
_MOST_SELECTED: Final = 50


@contextmanager
def understood() -> Iterator[None]:
    """What the library refuses inside, as a refusal of ours. Raises ScimRequestIsWrong."""
    try:
        with POLICY:
            yield
    except ValidationError as found:
        raise _refusal(found) from None
    except SCIMException as refusal:
        if isinstance(refusal.__cause__, ValidationError):
            raise _refusal(refusal.__cause__) from None
        raise ScimRequestIsWrong(refusal.detail, scim_type=refusal.scim_type or None) from None


def _refusal(found: ValidationError) -> ScimRequestIsWrong:
    """The first thing that is wrong, without the value that was sent: it may be personal."""
    error = Error.from_validation_error(found.errors(include_input=False, include_url=False)[0])
    return ScimRequestIsWrong(error.detail or "This does not fit the schema.", scim_type=error.scim_type)


def new(model: type[R], body: bytes) -> R:
    """The resource that is to be made."""
    with understood():
        return model.model_validate(_object(body), scim_ctx=Context.RESOURCE_CREATION_REQUEST)


def replacement(model: type[R], body: bytes) -> R:
    """The resource as it is to be."""
    with understood():
        return model.model_validate(_object(body), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)


def operations(body: bytes) -> dict[str, Any]:
    """What a PATCH says, each operation as the standard has it where Entra ID says it in a way of its own."""
    sent = _object(body)
    if isinstance(said := sent.get("Operations"), list):
        sent["Operations"] = [each for operation in said for each in _standard(operation)]
    return sent


def patch(model: type[R], body: bytes) -> PatchOp[R]:
    """The operations."""
    return patch_of(model, operations(body))


def patch_of(model: type[R], sent: Mapping[str, Any]) -> PatchOp[R]:
    """As `patch`, of what is read already."""
    listed = sent.get("Operations")
    if isinstance(listed, list) and len(listed) > MOST_OPERATIONS:
        raise ScimRequestIsWrong(f"Send at most {MOST_OPERATIONS} operations.", scim_type="tooMany")
    with understood():
        found: PatchOp[R] = _of(PatchOp, model).model_validate(dict(sent), scim_ctx=Context.RESOURCE_PATCH_REQUEST)
        return found


@cache
def _of(message: Any, model: Any) -> Any:
    """The message about this kind of resource; kept, since the library makes it anew once nobody has it any more."""
    return message.__class_getitem__(model)


def _standard(operation: Any) -> list[Any]:
    if not isinstance(operation, dict):
        return [operation]
    if len(str(operation.get("path", ""))) > _LONGEST_PARAMETER:
        raise ScimRequestIsWrong(f"Send paths of at most {_LONGEST_PARAMETER} characters.", scim_type="invalidPath")
    if str(operation.get("op")).lower() == "remove":
        return [_removal(operation)]
    if not operation.get("path") and isinstance(operation.get("value"), dict):
        return _by_path(operation, operation["value"])
    return [operation]


def _removal(operation: dict[str, Any]) -> dict[str, Any]:
    path, value = str(operation.get("path") or "").lower(), operation.get("value")
    if "[" in path and not isinstance(value, (dict, list)):
        # The path says it all, and the text beside it is what the attribute is thought to be.
        return {name: each for name, each in operation.items() if name != "value"}
    entries: list[Any] = value if isinstance(value, list) else [value]
    if value is None or not all(isinstance(entry, dict) for entry in entries):
        return operation
    selecting = [_selecting(entry, is_member=path.endswith("members")) for entry in entries]
    if len(selecting) > _MOST_SELECTED and not all(each.keys() == {"value"} for each in selecting):
        raise ScimRequestIsWrong(f"Select at most {_MOST_SELECTED} values at once.", scim_type="tooMany")
    return {**operation, "value": selecting}


def _selecting(entry: dict[str, Any], *, is_member: bool) -> dict[str, Any]:
    """By what the entry is meant: `{"$ref": null, "value": "..."}` is the member of this id, whatever else is said."""
    said = {name: value for name, value in entry.items() if value is not None}
    return {"value": said["value"]} if is_member and "value" in said else said


def _by_path(operation: dict[str, Any], value: dict[str, Any]) -> list[Any]:
    """One operation for each name that is a path with a filter, as `emails[type eq "work"].value`, and for members."""
    selecting = {name: each for name, each in value.items() if "[" in name or name.lower() == "members"}
    plain = {name: each for name, each in value.items() if name not in selecting}
    at_paths = [{**operation, "path": name, "value": each} for name, each in selecting.items()]
    return [{**operation, "value": plain}, *at_paths] if plain or not at_paths else at_paths


def search(model: type[R], body: bytes) -> SearchRequest[R]:
    return _search(model, _object(body))


def parameters(model: type[R], query: Mapping[str, str | None]) -> SearchRequest[R]:
    """The parameters of a GET."""
    # An empty cursor is not none: it asks for the first of the pages that there are not (RFC 9865, section 2).
    return _search(
        model, {name: value for name, value in query.items() if value or (name == "cursor" and value is not None)}
    )


def _search(model: type[R], sent: Mapping[str, Any]) -> SearchRequest[R]:
    if any(len(str(sent.get(name, ""))) > _LONGEST_PARAMETER for name in _PARAMETERS):
        raise ScimRequestIsWrong(f"Send parameters of at most {_LONGEST_PARAMETER} characters.", scim_type=None)
    if sent.get("cursor") is not None:
        raise ScimRequestIsWrong("Page by startIndex and count: there are no cursors.", scim_type="invalidCursor")
    with understood():
        found: SearchRequest[R] = _of(SearchRequest, model).model_validate(dict(sent))
        return found


def _object(body: bytes) -> dict[str, Any]:
    """Raises ScimRequestIsWrong for what is no JSON object, or could not be stored."""
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ScimRequestIsWrong("Send a JSON object.", scim_type="invalidSyntax") from None
    if not isinstance(sent, dict):
        raise ScimRequestIsWrong("Send a JSON object.", scim_type="invalidSyntax")
    _check_values(sent)
    return sent


def _check_values(sent: dict[str, Any]) -> None:
    """One after the other, since a client nests deeper than calls may. Raises ScimRequestIsWrong."""
    left: list[tuple[object, int]] = [(sent, 1)]
    while left:
        value, depth = left.pop()
        if depth > _DEEPEST:
            raise ScimRequestIsWrong(f"Nest at most {_DEEPEST} objects and lists.", scim_type="invalidSyntax")
        if isinstance(value, str) and "\x00" in value:
            raise ScimRequestIsWrong("Leave out the character U+0000.", scim_type="invalidValue")
        if isinstance(value, dict):
            left += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, list):
            left += [(part, depth + 1) for part in value]
