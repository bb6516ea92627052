"""What clients send, read as SCIM; what can't be read is refused with the keyword of RFC 7644, section 3.12."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import orjson
from pydantic import ValidationError
from scim2_models import Context, Error, PatchOp, Resource, SCIMException, SearchRequest

from stoa_auth.scim.domain import ScimRequestIsWrong
from stoa_auth.scim.schemas import POLICY

R = TypeVar("R", bound=Resource[Any])
_PARAMETERS: Final = ("filter", "sortBy", "sortOrder", "startIndex", "count", "attributes", "excludedAttributes")
_LONGEST_PARAMETER: Final = 4000


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


def patch(model: type[R], body: bytes) -> PatchOp[R]:
    sent = _object(body)
    operations_sent = sent.get("Operations")
    for operation in operations_sent if isinstance(operations_sent, list) else ():
        _leave_out_nulls(operation)
    with understood():
        operations = PatchOp.__class_getitem__(model)
        found: PatchOp[R] = operations.model_validate(sent, scim_ctx=Context.RESOURCE_PATCH_REQUEST)
        return found


def _leave_out_nulls(operation: object) -> None:
    """Entra ID removes `[{"$ref": null, "value": "..."}]`, and means all members of this value."""
    if not isinstance(operation, dict) or str(operation.get("op")).lower() != "remove":
        return
    if isinstance(entries := operation.get("value"), list):
        operation["value"] = [_said(entry) for entry in entries]


def _said(entry: Any) -> Any:
    return {name: value for name, value in entry.items() if value is not None} if isinstance(entry, dict) else entry


def search(model: type[R], body: bytes) -> SearchRequest[R]:
    return _search(model, _object(body))


def parameters(model: type[R], query: Mapping[str, str | None]) -> SearchRequest[R]:
    """The parameters of a GET."""
    return _search(model, {name: value for name, value in query.items() if value})


def _search(model: type[R], sent: Mapping[str, Any]) -> SearchRequest[R]:
    if any(len(str(sent.get(name, ""))) > _LONGEST_PARAMETER for name in _PARAMETERS):
        raise ScimRequestIsWrong(f"Send parameters of at most {_LONGEST_PARAMETER} characters.", scim_type=None)
    if sent.get("cursor") is not None:
        raise ScimRequestIsWrong("Page by startIndex and count: there are no cursors.", scim_type="invalidCursor")
    with understood():
        request: Any = SearchRequest.__class_getitem__(model)
        found: SearchRequest[R] = request.model_validate(dict(sent))
        return found


def _object(body: bytes) -> dict[str, Any]:
    """Raises ScimRequestIsWrong for what is no JSON object, or could not be stored."""
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ScimRequestIsWrong("Send a JSON object.", scim_type="invalidSyntax") from None
    if not isinstance(sent, dict):
        raise ScimRequestIsWrong("Send a JSON object.", scim_type="invalidSyntax")
    if _holds_null_character(sent):
        raise ScimRequestIsWrong("Leave out the character U+0000.", scim_type="invalidValue")
    return sent


def _holds_null_character(value: object) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in name or _holds_null_character(each) for name, each in value.items())
    return isinstance(value, list) and any(_holds_null_character(each) for each in value)
