"""What must hold for every answer of the platform, whatever was asked."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from stoa_common.http.access import TAKES_COOKIE
from stoa_common.http.problems import MEDIA_TYPE, Problem

STREAM = "text/event-stream"
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
#: RFC 7644, section 3.12.
SCIM = "application/scim+json"
SCIM_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
#: RFC 6749, section 5.2, and RFC 6750, section 3.
OAUTH = {f"/api/v1/auth/{name}" for name in ("token", "introspect", "revoke", "userinfo")}


def faults(case: Any, answer: httpx2.Response) -> Iterator[str]:
    """What is wrong with an answer: in itself, and against what the document promises of the operation."""
    operation, path = case.operation.definition.raw, case.operation.path
    if not answer.headers.get("x-request-id"):
        yield "no X-Request-Id"
    if answer.status_code >= 500 and not (path.startswith("/scim/") and answer.status_code == 501):
        yield "a fault of ours"
    elif answer.status_code >= 400:
        yield from _unlike_an_error(path, operation, answer)
    elif str(answer.status_code) not in operation["responses"] and not _leads_on(operation, answer):
        yield "a success that the document does not tell"
    if not _leads_on(operation, answer):
        yield from _unlike_the_document(case, answer)


def _leads_on(operation: Mapping[str, Any], answer: httpx2.Response) -> bool:
    """A page that sends on to the next: there is nothing else to say."""
    return answer.is_redirect and bool(operation.get(TAKES_COOKIE))


def _unlike_the_document(case: Any, answer: httpx2.Response) -> Iterator[str]:
    if answer.headers.get("content-type", "").startswith(STREAM):
        # A stream has no end to check; that it may be one is all that the document says.
        told = case.operation.definition.raw["responses"].get(str(answer.status_code), {})
        if STREAM not in told.get("content", {}):
            yield "a stream that the document does not tell"
        return
    try:
        case.validate_response(answer, checks=CHECKS)
    except (Failure, FailureGroup) as failure:
        yield str(failure)


def _unlike_an_error(path: str, operation: Mapping[str, Any], answer: httpx2.Response) -> Iterator[str]:
    """Every error is a problem document, but where a protocol has its own, or a person reads it in a browser."""
    kind = answer.headers.get("content-type", "")
    told = answer.json() if "json" in kind else {}
    if kind == MEDIA_TYPE:
        problem = Problem.model_validate(told)
        if problem.status != answer.status_code:
            yield f"a problem that says {problem.status}"
        if problem.instance != answer.headers.get("x-request-id"):
            yield "a problem of another request"
    elif path.startswith("/scim/v2"):
        if kind != SCIM or told["schemas"] != [SCIM_ERROR] or str(told["status"]) != str(answer.status_code):
            yield "an error that is none of SCIM's"
    elif path in OAUTH:
        if not isinstance(told.get("error"), str):
            yield "an error that is none of OAuth's"
    elif not (operation.get(TAKES_COOKIE) and kind.startswith("text/html")):
        yield f"an error that is no problem document, but {kind or 'nothing'}"
