"""Chat completions through the gateway and through the LiteLLM proxy, from an upstream that answers at once."""

import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

from bench.gateway import generator, litellm, nginx
from bench.gateway.figures import Figure
from bench.gateway.generator import Request
from bench.gateway.place import People, until_answered
from bench.streams import a_gateway
from stoa_common.testing.servers import Servers

CONNECTIONS, FEW = 32, 8
SECONDS, WARM_UP_SECONDS = 4.0, 5.0
PATH = "/v1/chat/completions"
_ASKED = {"model": litellm.MODEL, "messages": [{"role": "user", "content": "What is a stoa? One sentence, please."}]}
_SAID = "A covered walkway, open to one side, where people of a Greek town met, traded and argued."
_ANSWER = {
    "id": "chatcmpl-0197c9a26c1e7c529a530a35b8d1f0aa",
    "object": "chat.completion",
    "created": 1767605400,
    "model": litellm.MODEL,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": _SAID}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 17, "completion_tokens": 22, "total_tokens": 39},
}
Ways = Mapping[str, Request]


async def measure(servers: Servers, *, runs: int) -> list[Figure]:
    """Medians of the runs; in each, all ways take turns."""
    async with _ways(servers) as ways:
        for request in ways.values():
            await until_answered(request)
            await generator.load(request, connections=CONNECTIONS, seconds=WARM_UP_SECONDS)
        found = [(await _rates(ways), await _added(ways)) for _ in range(runs)]
    ours, theirs = (median(rates[way] for rates, _ in found) for way in ("gateway", "litellm"))
    added, their_added = (median(p99[way] for _, p99 in found) for way in ("gateway", "litellm"))
    more = median(rates["gateway"] / rates["litellm"] for rates, _ in found)
    less = median(p99["gateway"] / p99["litellm"] for _, p99 in found)
    name, beside = f"POST {PATH}", f"LiteLLM {litellm.version()}"
    rate_note = f"{ours:,.0f}/s, {beside} {theirs:,.0f}/s, {CONNECTIONS} connections, one worker each"
    p99_note = f"{added:.1f} ms, {beside} {their_added:.1f} ms, beyond the upstream's own, {FEW} connections"
    return [
        Figure("models", f"{name}: throughput / LiteLLM's", more, 5, 10, "times", is_rate=True, note=rate_note),
        Figure("models", f"{name}: added p99 / LiteLLM's", less, 1 / 5, 1 / 10, "times", note=p99_note),
    ]


async def _rates(ways: Ways) -> dict[str, float]:
    """Answers a second."""
    proxies = {way: request for way, request in ways.items() if way != "upstream"}
    return {
        way: (await generator.load(request, connections=CONNECTIONS, seconds=SECONDS)).per_second
        for way, request in proxies.items()
    }


async def _added(ways: Ways) -> dict[str, float]:
    """Milliseconds of the p99 beyond that of the upstream asked directly."""
    p99 = {
        way: (await generator.load(request, connections=FEW, seconds=SECONDS)).p99_ms for way, request in ways.items()
    }
    return {way: p99[way] - p99["upstream"] for way in ("gateway", "litellm")}


@asynccontextmanager
async def _ways(servers: Servers) -> AsyncIterator[Ways]:
    """The same request to the upstream itself, and by each proxy."""
    people = People()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        location = f"location = {PATH} {{ return 200 {nginx.quoted(json.dumps(_ANSWER))}; }}"
        upstream = await stack.enter_async_context(nginx.answering(folder, location))
        url, key = await stack.enter_async_context(litellm.running(upstream.url))
        told = {"GATEWAY_V1_URL": upstream.url, "GATEWAY_LIMITS_SCALE": "100000"}
        gateway = await stack.enter_async_context(
            a_gateway(servers.redis_url, people.identities, told=told, log=folder / "gateway.log")
        )
        yield {
            "upstream": _request(upstream.url, {}),
            "gateway": _request(gateway.url, people.headers("learner")),
            "litellm": _request(url, {"Authorization": f"Bearer {key}"}),
        }


def _request(url: str, headers: Mapping[str, str]) -> Request:
    return Request(f"{url}{PATH}", [{**headers, "Content-Type": "application/json"}], "POST", json.dumps(_ASKED))
