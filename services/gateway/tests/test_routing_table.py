"""The table of routes: whatever the services declare is found again, and nothing else is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_gateway.routing import domain
from stoa_gateway.routing.domain import (
    MethodIsNotAllowed,
    PathIsUnknown,
    Route,
    ServiceIsDown,
    Upstream,
)
from stoa_gateway.routing.table import Table

CONTENT = Upstream("content", "http://content", ("/api/v1/content",))
METHODS = ("GET", "POST", "DELETE")

words = st.sampled_from(["courses", "quizzes", "mine", "publish", "v1", "a.b", "x-y"])
parameters = st.sampled_from(["{id}", "{course_id}"])
mixed = st.sampled_from(["{id}:cancel", "{name}.json", "v{major}"])
templates = st.lists(st.one_of(words, parameters, mixed), min_size=1, max_size=5).map(
    lambda parts: "/" + "/".join(parts)
)
segments = st.one_of(
    words, st.text("abz09:.-%é", min_size=1, max_size=8).filter(lambda s: s not in (".", "..")), st.just("7:cancel")
)
paths = st.lists(segments, min_size=1, max_size=5).map(lambda parts: "/" + "/".join(parts))


def a_route(path: str, method: str = "GET", *, is_public: bool = True) -> Route:
    return Route("content", method, path, is_public)


def matches_by_regex(template: str, path: str) -> bool:
    pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
    return re.fullmatch(pattern, path) is not None


@given(st.lists(st.tuples(templates, st.sampled_from(METHODS)), max_size=12), paths, st.sampled_from(METHODS))
def test_the_tree_finds_a_route_exactly_where_a_scan_over_all_templates_finds_one(
    declared: list[tuple[str, str]], path: str, method: str
) -> None:
    table = Table(a_route(template, verb) for template, verb in declared)

    expected = [template for template, verb in declared if verb == method and matches_by_regex(template, path)]

    if expected:
        assert table.match(method, path).path in {
            Table([a_route(t, method)]).match(method, path).path for t in expected
        }
    else:
        with pytest.raises((PathIsUnknown, MethodIsNotAllowed)):
            table.match(method, path)


@given(st.lists(templates, min_size=1, max_size=8, unique=True), st.data())
def test_a_declared_path_is_found_whatever_fills_its_parameters(declared: list[str], data: st.DataObject) -> None:
    table = Table(a_route(template) for template in declared)
    template = data.draw(st.sampled_from(declared))
    filling = data.draw(st.text("abc09:.", min_size=3, max_size=8))

    found = table.match("GET", re.sub(r"\{[^}]*\}", filling, template))

    assert matches_by_regex(found.path, re.sub(r"\{[^}]*\}", filling, template))


def test_a_literal_segment_wins_over_a_parameter_whatever_came_first() -> None:
    table = Table([a_route("/courses/{id}"), a_route("/courses/mine")])

    assert table.match("GET", "/courses/mine").path == "/courses/mine"
    assert table.match("GET", "/courses/yours").path == "/courses/{id}"


def test_a_literal_that_leads_nowhere_gives_way_to_the_parameter() -> None:
    table = Table(
        [a_route("/courses/mine"), a_route("/courses/{id}/publish", "POST"), a_route("/courses/{id}", "DELETE")]
    )

    assert table.match("POST", "/courses/mine/publish").path == "/courses/{id}/publish"
    assert table.match("DELETE", "/courses/mine").path == "/courses/{id}"


def test_a_wrong_method_is_refused_with_those_that_exist() -> None:
    table = Table([a_route("/courses/{id}"), a_route("/courses/{id}", "DELETE"), a_route("/courses/mine", "PUT")])

    with pytest.raises(MethodIsNotAllowed) as refused:
        table.match("POST", "/courses/mine")

    assert refused.value.headers["Allow"] == "DELETE, GET, HEAD, PUT"


def test_head_goes_where_get_goes() -> None:
    table = Table([a_route("/courses/{id}")])

    assert table.match("HEAD", "/courses/1").method == "GET"


@pytest.mark.parametrize(
    "path", ["/courses/", "/courses/..", "/courses/.", "/courses//", "courses/1", "//courses/1", ""]
)
def test_empty_and_dot_segments_fill_no_parameter(path: str) -> None:
    table = Table([a_route("/courses/{id}"), a_route("/courses/{id}/{other}")])

    with pytest.raises(PathIsUnknown):
        table.match("GET", path)


def test_a_path_of_a_service_that_never_answered_names_the_service() -> None:
    table = Table([], silent=[CONTENT])

    with pytest.raises(ServiceIsDown, match="content"):
        table.match("GET", "/api/v1/content/courses")
    with pytest.raises(PathIsUnknown):
        table.match("GET", "/api/v1/contents")


def test_only_a_services_own_public_faces_become_routes() -> None:
    operation = {"x-permission": "course:read", "responses": {}}
    document = {
        "paths": {
            "/api/v1/content/courses": {"get": operation, "post": {**operation, "x-internal": True}, "summary": "x"},
            "/api/v1/content/internal/lessons/{id}": {"get": operation},
            "/api/v1/content/hidden": {"x-internal": True, "get": operation},
            "/internal/keys": {"get": operation},
            "/livez": {"get": operation},
            "/api/v1/auth/login": {"post": operation},
        }
    }

    found = domain.routes(CONTENT, document)

    assert found == [Route("content", "GET", "/api/v1/content/courses", is_public=False, permission="course:read")]


@pytest.mark.parametrize(
    ("operation", "is_public"),
    [
        ({"x-public": True}, True),
        ({"x-permission": "course:read"}, False),
        ({"x-public": True, "x-permission": "course:read"}, False),
        ({"x-public": "yes"}, False),
        ({}, False),
    ],
)
def test_an_operation_is_public_only_where_it_says_so(operation: dict[str, object], is_public: bool) -> None:
    assert domain.is_public(operation) is is_public


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3), lambda s: st.lists(s) | st.dictionaries(st.text(max_size=5), s)
    )
)
def test_an_answer_that_is_no_document_is_never_taken_for_one(answer: object) -> None:
    if domain.is_document(answer):
        domain.routes(CONTENT, answer)
