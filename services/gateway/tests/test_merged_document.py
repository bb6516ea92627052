"""The merged OpenAPI document: valid, complete, and consistent whatever names the services chose."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from stoa_gateway.documents.domain import merge
from stoa_gateway.routing.domain import Upstream

CONTENT = Upstream("content", "http://content", ("/api/v1/content",))
AI = Upstream("ai", "http://ai", ("/api/v1/ai",))
PROBLEM = {"type": "object", "title": "Problem", "properties": {"status": {"type": "integer"}}}


def a_document(path: str, operation: dict[str, Any], schemas: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "a service", "version": "1"},
        "paths": {path: {"get": {"responses": {"200": {"description": "ok"}}, **operation}}},
        "components": {"schemas": schemas or {}, "securitySchemes": {"own": {"type": "http", "scheme": "bearer"}}},
    }


def answering(reference: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": reference}}}
    return {
        "responses": {
            "200": {"description": "ok", "content": content},
            "default": {
                "description": "a problem",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        }
    }


def merged(*parts: tuple[Upstream, dict[str, Any]]) -> dict[str, Any]:
    document = merge(parts, title="Stoa", version="1")
    OpenAPIV31SpecValidator(document).validate()
    return document


def test_two_services_may_call_different_things_by_one_name() -> None:
    operation = {
        "operationId": "get_one",
        "tags": ["things"],
        "x-permission": "course:read",
        **answering("#/components/schemas/Thing"),
    }
    content = a_document("/api/v1/content/things", operation, {"Thing": {"type": "string"}, "Problem": PROBLEM})
    ai = a_document("/api/v1/ai/things", operation, {"Thing": {"type": "integer"}, "Problem": PROBLEM})

    document = merged((CONTENT, content), (AI, ai))

    assert document["components"]["schemas"] == {
        "AiThing": {"type": "integer"}, "ContentThing": {"type": "string"}, "Problem": PROBLEM,
    }  # fmt: skip
    operation_ids = {path: item["get"]["operationId"] for path, item in document["paths"].items()}
    assert operation_ids == {"/api/v1/content/things": "content_get_one", "/api/v1/ai/things": "ai_get_one"}
    assert [tag["name"] for tag in document["tags"]] == ["content: things", "ai: things"]


def test_a_protected_route_asks_for_the_token_and_a_public_one_does_not() -> None:
    protected = a_document(
        "/api/v1/content/a", {"operationId": "a", "x-permission": "course:read", "security": [{"own": []}]}
    )
    public = a_document("/api/v1/ai/b", {"operationId": "b", "x-public": True})

    document = merged((CONTENT, protected), (AI, public))

    assert document["paths"]["/api/v1/content/a"]["get"]["security"] == [{"accessToken": []}, {"apiKey": []}]
    assert document["paths"]["/api/v1/ai/b"]["get"]["security"] == []
    assert list(document["components"]["securitySchemes"]) == ["accessToken", "apiKey"]


def test_what_only_internal_routes_use_stays_inside() -> None:
    hidden = {**answering("#/components/schemas/Secret"), "operationId": "secret", "x-internal": True}
    document = a_document(
        "/api/v1/content/a", {"operationId": "a", "x-public": True}, {"Secret": {"type": "object"}, "Problem": PROBLEM}
    )
    document["paths"]["/api/v1/content/secret"] = {"get": hidden}
    document["paths"]["/api/v1/content/internal/x"] = {"get": hidden}

    shown = merged((CONTENT, document))

    assert list(shown["paths"]) == ["/api/v1/content/a"]
    assert "schemas" not in shown["components"]


def test_schemas_reached_through_others_come_along_and_payloads_stay_as_they_are() -> None:
    schemas: dict[str, Any] = {
        "Tree": {
            "type": "object",
            "properties": {
                "default": {"$ref": "#/components/schemas/Leaf"},
                "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
            },
            "examples": [{"$ref": "#/components/schemas/Leaf", "operationId": "mine"}],
        },
        "Leaf": {
            "oneOf": [{"$ref": "#/components/schemas/Red"}],
            "discriminator": {"propertyName": "kind", "mapping": {"red": "#/components/schemas/Red"}},
        },
        "Red": {"type": "object", "properties": {"kind": {"const": "red"}}},
    }
    document = a_document(
        "/api/v1/content/tree",
        {"operationId": "t", "x-public": True, **answering("#/components/schemas/Tree")},
        {**schemas, "Problem": PROBLEM},
    )

    shown = merged((CONTENT, document))["components"]["schemas"]

    assert sorted(shown) == ["ContentLeaf", "ContentRed", "ContentTree", "Problem"]
    assert shown["ContentTree"]["properties"]["default"] == {"$ref": "#/components/schemas/ContentLeaf"}
    assert shown["ContentTree"]["examples"] == schemas["Tree"]["examples"]
    assert shown["ContentLeaf"]["discriminator"]["mapping"] == {"red": "#/components/schemas/ContentRed"}


names = st.sampled_from(["A", "B", "get_a", "Problem", "FieldProblem"])
paths = st.sampled_from(["one", "two/{id}", "three"])


@given(st.lists(st.tuples(st.sampled_from([CONTENT, AI]), paths, names, names, st.sets(names)), max_size=6))
def test_every_reference_resolves_and_every_operation_id_is_unique(
    drawn: list[tuple[Upstream, str, str, str, set[str]]],
) -> None:
    documents: dict[Upstream, dict[str, Any]] = {}
    for upstream, path, operation_id, used, others in drawn:
        schemas: dict[str, Any] = {name: {"anyOf": [{"$ref": f"#/components/schemas/{used}"}]} for name in others}
        schemas |= {used: {"type": "string"}, "Problem": PROBLEM}
        part = a_document(
            f"{upstream.prefixes[0]}/{path}",
            {"operationId": operation_id, **answering(f"#/components/schemas/{used}")},
            schemas,
        )
        part["paths"][f"{upstream.prefixes[0]}/{path}"]["get"]["parameters"] = (
            [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}] if "{" in path else []
        )
        known = documents.setdefault(upstream, part)
        known["paths"].update(part["paths"])
        known["components"]["schemas"].update(schemas)

    document = merge(documents.items(), title="Stoa", version="1")

    assert all(resolves(document, reference) for reference in references(document))
    assert all(count == 1 for count in Counter(operation_ids(document)).values())


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        return [v for k, v in part.items() if k == "$ref"] + [r for v in part.values() for r in references(v)]
    return [r for element in part for r in references(element)] if isinstance(part, list) else []


def resolves(document: dict[str, Any], reference: str) -> bool:
    part: Any = document
    for step in reference.removeprefix("#/").split("/"):
        part = part.get(step, {})
    return bool(part)


def operation_ids(document: dict[str, Any]) -> list[str]:
    return [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
