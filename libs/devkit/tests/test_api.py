"""`stoa api`: what breaks a client is refused, and nothing else."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stoa_devkit.api import releases
from stoa_devkit.api.comparing import breaks

Change = Callable[[dict[str, Any]], object]
SCHEMAS: dict[str, Any] = {
    "CourseIn": {
        "type": "object",
        "required": ["title"],
        "properties": {
            "title": {"type": "string", "maxLength": 100},
            "level": {"type": "string", "enum": ["easy", "hard"]},
            "size": {"type": "number"},
            "summary": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
    },
    "CourseOut": {
        "type": "object",
        "required": ["id", "title"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "title": {"type": "string"},
            "status": {"type": "string", "enum": ["draft", "published"]},
            "count": {"type": "integer"},
            "parent": {"anyOf": [{"$ref": "#/components/schemas/CourseOut"}, {"type": "null"}]},
        },
    },
}


def reference(name: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


@pytest.fixture
def released() -> dict[str, Any]:
    operation = {
        "operationId": "content_make_course",
        "security": [{"accessToken": []}, {"apiKey": []}],
        "parameters": [
            {"in": "query", "name": "after", "schema": {"type": "string"}},
            {"in": "path", "name": "id", "required": True, "schema": {"type": "string", "format": "uuid"}},
        ],
        "requestBody": {"required": True, **reference("CourseIn")},
        "responses": {"200": reference("CourseOut"), "default": {"description": "A problem"}},
    }
    return {"paths": {"/courses/{id}": {"post": operation}}, "components": {"schemas": copy.deepcopy(SCHEMAS)}}


def operation(document: dict[str, Any]) -> Any:
    return document["paths"]["/courses/{id}"]["post"]


def fields(document: dict[str, Any], schema: str) -> Any:
    return document["components"]["schemas"][schema]["properties"]


def required(document: dict[str, Any], schema: str) -> Any:
    return document["components"]["schemas"][schema]["required"]


BREAKING: dict[str, Change] = {
    "is gone; mark it as deprecated in a release before": lambda d: d["paths"].clear(),
    "its operation id was content_make_course and is content_make": lambda d: operation(d).update(
        operationId="content_make"
    ),
    "asks for other credentials": lambda d: operation(d).update(security=[{"accessToken": []}]),
    "query parameter after is gone": lambda d: operation(d)["parameters"].pop(0),
    "query parameter after is required now": lambda d: operation(d)["parameters"][0].update(required=True),
    "query parameter after was string and is integer": lambda d: operation(d)["parameters"][0].update(
        schema={"type": "integer"}
    ),
    "the answer 200 is gone": lambda d: operation(d)["responses"].pop("200"),
    "body is not application/json any more": lambda d: operation(d).pop("requestBody"),
    "200 is not application/json any more": lambda d: operation(d)["responses"]["200"].pop("content"),
    "body.title is gone": lambda d: (fields(d, "CourseIn").pop("title"), required(d, "CourseIn").clear()),
    "body.level is required now": lambda d: required(d, "CourseIn").append("level"),
    "body.color is required now": lambda d: (
        fields(d, "CourseIn").update(color={"type": "string"}),
        required(d, "CourseIn").append("color"),
    ),
    "body.level does not take 'hard' any more": lambda d: fields(d, "CourseIn")["level"]["enum"].remove("hard"),
    "body.size was number and is integer": lambda d: fields(d, "CourseIn")["size"].update(type="integer"),
    "body.summary does not take null any more": lambda d: fields(d, "CourseIn").update(summary={"type": "string"}),
    "body.title has maxLength 50 now, and had 100": lambda d: fields(d, "CourseIn")["title"].update(maxLength=50),
    "body does not take other fields any more": lambda d: d["components"]["schemas"]["CourseIn"].update(
        additionalProperties=False
    ),
    "200.title is gone": lambda d: fields(d, "CourseOut").pop("title"),
    "200.title may be missing now": lambda d: required(d, "CourseOut").remove("title"),
    "200.title may be null now": lambda d: fields(d, "CourseOut")["title"].update(type=["string", "null"]),
    "200.count was integer and is number": lambda d: fields(d, "CourseOut")["count"].update(type="number"),
    "200.id was in the format uuid and is in None": lambda d: fields(d, "CourseOut")["id"].pop("format"),
    "200.status was one of a few values, and is not any more": lambda d: fields(d, "CourseOut")["status"].pop("enum"),
    "200.parent may be string now": lambda d: fields(d, "CourseOut")["parent"]["anyOf"].append({"type": "string"}),
}
ALLOWED: dict[str, Change] = {
    "words": lambda d: operation(d).update(summary="Make it.", description="At once.", tags=["courses"]),
    "a new operation": lambda d: d["paths"].update({"/lessons": {"get": operation(d)}}),
    "a new optional parameter": lambda d: operation(d)["parameters"].append(
        {"in": "query", "name": "limit", "schema": {"type": "integer"}}
    ),
    "another way to show who one is": lambda d: operation(d)["security"].append({"cookie": []}),
    "a route that anybody may call": lambda d: operation(d).update(security=[]),
    "a new optional field of a request": lambda d: fields(d, "CourseIn").update(color={"type": "string"}),
    "a field that need not be sent": lambda d: required(d, "CourseIn").clear(),
    "more values in a request": lambda d: fields(d, "CourseIn")["level"]["enum"].append("odd"),
    "a longer text": lambda d: fields(d, "CourseIn")["title"].update(maxLength=200),
    "another type beside": lambda d: fields(d, "CourseIn").update(
        title={"anyOf": [{"type": "string", "maxLength": 100}, {"type": "integer"}]}
    ),
    "a new field of an answer": lambda d: fields(d, "CourseOut").update(color={"type": "string"}),
    "more values in an answer": lambda d: fields(d, "CourseOut")["status"]["enum"].append("archived"),
    "a field that is always there": lambda d: required(d, "CourseOut").append("count"),
    "a field that is never null": lambda d: fields(d, "CourseOut").update(
        parent={"$ref": "#/components/schemas/CourseOut"}
    ),
}


@pytest.mark.parametrize("sentence", BREAKING)
def test_what_breaks_a_client_is_found(released: dict[str, Any], sentence: str) -> None:
    now = copy.deepcopy(released)
    BREAKING[sentence](now)

    assert sentence in [found.what for found in breaks(released, now)]


@pytest.mark.parametrize("change", ALLOWED)
def test_what_breaks_nobody_is_let_through(released: dict[str, Any], change: str) -> None:
    now = copy.deepcopy(released)
    ALLOWED[change](now)

    assert breaks(released, now) == []


def test_what_was_deprecated_may_go(released: dict[str, Any]) -> None:
    operation(released)["deprecated"] = True

    assert breaks(released, {"paths": {}}) == []


def test_every_release_counts(released: dict[str, Any], tmp_path: Path) -> None:
    grown = copy.deepcopy(released)
    ALLOWED["a new field of an answer"](grown)
    releases.write(released, tmp_path)
    releases.write(grown, tmp_path)

    found = [(version, str(problem)) for version, problem in releases.check(released, tmp_path)]

    assert found == [("1.1", "POST /courses/{id}: 200.color is gone.")]


def test_what_has_not_changed_is_released_once(released: dict[str, Any], tmp_path: Path) -> None:
    first, again = releases.write(released, tmp_path), releases.write(released, tmp_path)

    assert (first, again) == (tmp_path / "1.0.json", None)
    assert json.loads((tmp_path / "1.0.json").read_text()) == released
