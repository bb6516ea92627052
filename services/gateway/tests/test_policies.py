"""The settings file: what it says holds for the routes that it names, and what it can't mean is refused in words."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_gateway.limits.rates import read_classes
from stoa_gateway.routing import domain
from stoa_gateway.routing.domain import CacheRule, Policy, Upstream
from stoa_gateway.routing.policies import BadPolicies, Policies, read_policies
from stoa_gateway.upstreams.domain import read_capacities

CONTENT = Upstream("content", "http://content", ("/api/v1/content",))


def policies(folder: Path, text: str) -> Policies:
    file = folder / "policies.toml"
    file.write_text(text)
    return read_policies(file)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(BadPolicies) as bad:
        policies(folder, text)
    return str(bad.value)


def test_the_file_that_comes_with_the_gateway_is_whole() -> None:
    ours = read_policies()

    assert read_classes(ours.limits).keys() >= {"default", "login"}
    assert read_capacities(ours.upstreams, known=frozenset({"content", "v1"}))["v1"].max_concurrent == 2048
    assert ours.of("POST", "/api/v1/auth/login").priority == "high"
    assert ours.of("POST", "/api/v1/auth/login/second-factor").limit_class == "login"
    assert ours.of("POST", "/api/v1/content/imports").max_body_bytes > ours.default.max_body_bytes
    assert ours.of("GET", "/api/v1/content/public/{organization_id}").cache is not None
    assert ours.of("GET", "/api/v1/content/courses").cache is None


def test_the_first_section_that_matches_wins_and_the_defaults_fill_the_rest(tmp_path: Path) -> None:
    read = policies(
        tmp_path,
        """
        defaults = { answer_seconds = 7, priority = "batch" }
        routes = [
          { path = "/a/*/c", only = ["GET"], idle_seconds = 3.5 },
          { path = "/a/**", max_body_bytes = 9, retries = false },
        ]
        """,
    )

    assert read.of("GET", "/a/{id}/c") == Policy(answer_seconds=7, priority="batch", idle_seconds=3.5)
    assert read.of("POST", "/a/{id}/c").max_body_bytes == 9
    assert not read.of("POST", "/a/{id}/c").retries
    assert read.of("GET", "/b") == read.default == Policy(answer_seconds=7, priority="batch")


@pytest.mark.parametrize(
    ("pattern", "matched", "other"),
    [
        ("/a/*", ["/a/b", "/a/{id}"], ["/a", "/a/", "/a/b/c"]),
        ("/a/**", ["/a/", "/a/b", "/a/b/c"], ["/a", "/ab"]),
        ("/a**", ["/a", "/ab", "/a/b"], ["/", "/b/a"]),
        ("/a.b", ["/a.b"], ["/axb"]),
        ("/*/jobs/*/events", ["/x/jobs/{job_id}/events"], ["/x/jobs/events"]),
    ],
)
def test_stars_stand_for_segments(tmp_path: Path, pattern: str, matched: list[str], other: list[str]) -> None:
    read = policies(tmp_path, f'routes = [{{ path = "{pattern}", priority = "high" }}]')

    assert {path: read.of("GET", path).priority for path in [*matched, *other]} == {
        **dict.fromkeys(matched, "high"),
        **dict.fromkeys(other, "normal"),
    }


def test_a_cache_rule_reads_as_it_is_written(tmp_path: Path) -> None:
    read = policies(tmp_path, 'routes = [{ path = "/a", cache = { fresh_seconds = 5, purged_by = ["x"] } }]')

    assert read.of("GET", "/a").cache == CacheRule(5, 0, ("x",))


def test_methods_that_are_not_listed_do_not_exist(tmp_path: Path) -> None:
    read = policies(tmp_path, 'defaults = { methods = ["GET", "POST"] }')
    operation = {"x-public": True}
    document = {"paths": {"/api/v1/content/a": dict.fromkeys(("get", "post", "trace", "options", "delete"), operation)}}

    found = domain.routes(CONTENT, document, read.of)

    assert [route.method for route in found] == ["GET", "POST"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("defaults = { prority = 'high' }", "defaults.prority: Extra inputs are not permitted"),
        ("defaults = { priority = 'urgent' }", "defaults.priority: Input should be 'high', 'normal' or 'batch'"),
        ("defaults = { answer_seconds = 0 }", "defaults.answer_seconds: Input should be greater than 0"),
        ("defaults = { answer_seconds = '5' }", "defaults.answer_seconds: Input should be a valid number"),
        ("routes = [{ path = '/a', max_body_bytes = -1 }]", "[[routes]] /a max_body_bytes: Input should be greater"),
        ("routes = [{ priority = 'high' }]", "[[routes]] number 1 path: Field required"),
        ("routes = [{ path = 'a' }]", "[[routes]] a path: String should match pattern"),
        ("routes = [{ path = '/a', only = ['get'] }]", "[[routes]] /a only.0: Input should be 'GET'"),
        ("defaults = { content_types = ['json'] }", "defaults.content_types.0: String should match pattern"),
        ("limits = { a = {} }", "no section [limits.default]"),
        ("tables = 5", "tables: Extra inputs are not permitted"),
        ("[defaults", "is no TOML"),
    ],
)
def test_a_file_that_makes_no_sense_says_where(tmp_path: Path, text: str, told: str) -> None:
    message = refused(tmp_path, text)

    assert told in message
    assert str(tmp_path) in message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadPolicies, match=r"GATEWAY_POLICIES: .*none\.toml cannot be read"):
        read_policies(tmp_path / "none.toml")


scalars = st.one_of(st.booleans(), st.integers(), st.text(st.sampled_from("abc/*{}"), max_size=5))
names = st.sampled_from(["defaults", "routes", "limits", "upstreams", "path", "cache", "priority", "only", "x"])


def written(value: Any) -> str:
    """TOML's inline form of what hypothesis made."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {written(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return str(value).lower() if isinstance(value, bool | int) else f'"{value}"'


@given(st.dictionaries(names, st.recursive(scalars, lambda s: st.lists(s, max_size=3) | st.dictionaries(names, s))))
def test_any_file_makes_policies_or_a_refusal(tmp_path_factory: pytest.TempPathFactory, file: dict[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text("\n".join(f"{name} = {written(value)}" for name, value in file.items()))

    try:
        read = read_policies(path)
    except BadPolicies:
        return

    assert read.of("GET", "/a").answer_seconds > 0
