"""What a gateway tells of each request: a line of JSON, the shares of its time, and its metrics."""

import json
from typing import Any

import aiohttp
import pytest

from stoa_common.testing.servers import Servers

from .programs import Gateway, gateways, running

QUICK = "/api/v1/content/quick"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def told(servers: Servers, *, headers: dict[str, str], target: str = QUICK, **variables: str) -> tuple[Any, str]:
    """One request to a gateway of its own: the answer, and all that the gateway wrote."""
    async with running() as program:
        gateway = Gateway(program.url, servers.redis_url, GATEWAY_DRAIN_SECONDS="0", **variables)
        async with gateways(gateway), aiohttp.ClientSession(gateway.url) as client:
            async with client.get(target, headers=headers) as answer:
                await answer.read()
            gateway.leave()
            await gateway.ended()
    return answer, gateway.output


def lines(output: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, output.splitlines()) if line["event"] == "request"]


async def test_each_request_is_one_line_that_names_its_route_and_its_outcome(servers: Servers) -> None:
    headers = {"traceparent": TRACE, "X-Request-Id": "a-request-of-mine"}

    _, output = await told(servers, headers=headers, LOG_FORMAT="json")

    [line] = lines(output)
    assert (line["method"], line["route"], line["status"]) == ("GET", QUICK, 200)
    assert (line["outcome"], line["upstream"], line["service"]) == ("service", "content", "gateway")
    assert (line["correlation_id"], line["trace_id"]) == ("a-request-of-mine", TRACE.split("-")[1])
    assert line["bytes"] > 0
    assert 0 < line["upstream_seconds"] <= line["seconds"] < 30
    assert line["timestamp"].endswith("Z")


async def test_what_people_write_is_not_in_the_log(servers: Servers) -> None:
    headers = {"Authorization": "Bearer my-secret-token", "Cookie": "stoa_session=my-secret-cookie"}

    answer, output = await told(servers, headers=headers, target=f"{QUICK}?email=ada@example.com", LOG_FORMAT="json")

    assert answer.status == 200
    assert len(lines(output)) == 1
    for secret in ("secret", "ada@", "127.0.0.1:"):
        assert secret not in json.dumps(lines(output))


async def test_a_refusal_is_told_with_its_problem(servers: Servers) -> None:
    _, output = await told(servers, headers={}, target="/api/v1/content/nowhere", LOG_FORMAT="json")

    [line] = lines(output)
    assert (line["status"], line["outcome"], line["problem"]) == (404, "refused", "path-is-unknown")
    assert line["route"] == ""


@pytest.mark.parametrize(("level", "count"), [("info", 1), ("warning", 0)])
async def test_whoever_wants_warnings_alone_gets_no_lines(servers: Servers, level: str, count: int) -> None:
    _, output = await told(servers, headers={}, LOG_FORMAT="json", LOG_LEVEL=level)

    assert len(lines(output)) == count


async def test_on_a_console_the_lines_are_for_people(servers: Servers) -> None:
    _, output = await told(servers, headers={}, LOG_FORMAT="console")

    [line] = [line for line in output.splitlines() if "outcome" in line]
    assert not line.startswith("{")
    assert QUICK in line


async def test_an_answer_tells_how_much_of_its_time_was_the_gateways(http: aiohttp.ClientSession) -> None:
    answer = await http.get("/api/v1/content/echo/x")

    own, theirs = (part.strip().split(";dur=") for part in answer.headers["Server-Timing"].split(","))
    assert (own[0], theirs[0]) == ("gateway", "content")
    assert float(own[1]) > 0
    assert float(theirs[1]) > 0


async def test_each_route_is_counted_by_its_template_and_status(http: aiohttp.ClientSession) -> None:
    await http.get("/api/v1/content/echo/a-name-that-no-metric-has")
    await http.request("PROPFIND", "/api/v1/content/nowhere")

    metrics = await (await http.get("/metrics")).text()

    assert '_count{method="GET",route="/api/v1/content/echo/{name}",status="200"}' in metrics
    assert '_count{method="_OTHER",route="unmatched",status="404"}' in metrics
    assert 'stoa_gateway_own_seconds_count{upstream="content"}' in metrics
    assert "a-name-that-no-metric-has" not in metrics
    assert "PROPFIND" not in metrics
