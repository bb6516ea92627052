"""The printed routing table: every route, and what the gateway asks of it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from stoa_gateway.proxy import listing
from stoa_gateway.routing.domain import CacheRule, Policy, Route

from .programs import running

USUAL = Policy(content_types=("application/json",))


def printed(url: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stoa_gateway.proxy", *arguments],
        env={"PATH": os.environ["PATH"], "CONTENT_URL": url, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_row_says_who_may_call_and_what_holds() -> None:
    policy = Policy("public", cache=CacheRule(30, 60), max_body_bytes=20_971_520, content_types=("*/*",), retries=False)
    routes = [
        Route("content", "POST", "/b", is_public=False, permission="course:write", policy=policy),
        Route("content", "GET", "/b", is_public=True, policy=USUAL),
        Route("v1", "GET", "/a", is_public=False, policy=USUAL),
    ]

    rows = listing.rows(routes, usual=USUAL)

    assert [(row["method"], row["path"], row["who"]) for row in rows] == [
        ("GET", "/a", "any token"),
        ("GET", "/b", "anybody"),
        ("POST", "/b", "course:write"),
    ]
    assert rows[2] | {"path": "", "who": ""} == {
        "method": "POST",
        "path": "",
        "service": "content",
        "who": "",
        "limits": "public",
        "priority": "normal",
        "answer": "60 s",
        "idle": "60 s",
        "body": "20 MiB",
        "types": "any",
        "retries": "no",
        "cache": "30 s, stale 60 s",
    }


def test_columns_stand_below_their_heads() -> None:
    rows = listing.rows([Route("content", "GET", "/a/{id}", is_public=True)], usual=USUAL)

    head, line = listing.text(rows).splitlines()

    assert head.index("PATH") == line.index("/a/{id}")
    assert head.index("WHO") == line.index("anybody")


async def test_the_program_prints_what_the_services_show_and_names_those_that_do_not(tmp_path: Path) -> None:
    file = tmp_path / "policies.toml"
    file.write_text('defaults = { answer_seconds = 7 }\nlimits = { default = { person = "5/min" } }')
    async with running() as program:
        as_text = printed(program.url, "kept", GATEWAY_POLICIES=str(file))
        as_json = printed(program.url, "--json", GATEWAY_POLICIES=str(file))

    rows: list[dict[str, Any]] = json.loads(as_json.stdout)
    assert as_text.returncode == as_json.returncode == 0, as_text.stderr
    assert "/api/v1/content/kept" in as_text.stdout
    assert "/api/v1/content/quick" not in as_text.stdout
    assert "default  person 5/min" in as_text.stdout
    assert "The routes of auth are left out" in as_text.stderr
    assert {row["answer"] for row in rows} == {"7 s"}


def test_a_file_that_makes_no_policies_is_one_message(tmp_path: Path) -> None:
    file = tmp_path / "policies.toml"
    file.write_text("defaults = { speed = 5 }")

    ended = printed("http://127.0.0.1:9", GATEWAY_POLICIES=str(file))

    assert ended.returncode == 1
    assert "defaults.speed" in ended.stderr
    assert "Traceback" not in ended.stderr
