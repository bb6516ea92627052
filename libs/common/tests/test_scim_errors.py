"""Refusals as SCIM says them (RFC 7644, section 3.12)."""

import json
from typing import Any

import pytest

from stoa_common.errors import Conflict, FieldError, Invalid, NotFound, Refusal, Unauthenticated
from stoa_common.http import problems, scim_errors


class NameIsTaken(Conflict):
    scim_type = "uniqueness"


def told(refusal: Refusal, path: str = "/scim/v2/Users") -> tuple[int, dict[str, Any]]:
    response = problems.render(refusal, instance="request-1", path=path)
    assert response.media_type == scim_errors.MEDIA_TYPE
    return response.status_code, json.loads(bytes(response.body))


def test_a_refusal_says_its_status_as_text_and_its_keyword() -> None:
    status, body = told(NameIsTaken("Choose another name."))

    assert status == 409
    assert body == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "409",
        "scimType": "uniqueness",
        "detail": "Choose another name.",
    }


def test_what_is_invalid_is_a_bad_request_that_names_the_fields() -> None:
    wrong = [FieldError(field="Idempotency-Key", message="Too long.")]

    status, body = told(Invalid("Mend the fields.", errors=wrong))

    assert (status, body["status"], body["scimType"]) == (400, "400", "invalidValue")
    assert body["detail"] == "Mend the fields. Idempotency-Key: Too long."


def test_a_challenge_stays_beside_the_error() -> None:
    response = problems.render(Unauthenticated("Log in."), instance="request-1", path="/scim/v2/Users")

    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/api/v1/auth/me", "/scimitar", "/"])
def test_elsewhere_a_refusal_is_a_problem_document(path: str) -> None:
    response = problems.render(NotFound("There is none."), instance="request-1", path=path)

    assert response.media_type == problems.MEDIA_TYPE
