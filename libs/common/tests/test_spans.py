"""What a trace says of a request: its route and status, and nothing that people wrote."""

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from stoa_common import telemetry
from stoa_common.testing import Identities

NOTES = "/api/v1/sample/notes"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("tests"))
    return exporter


def of_requests(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.kind is SpanKind.SERVER]


async def test_a_request_is_one_span_below_its_clients(
    client: httpx2.AsyncClient, identities: Identities, exporter: InMemorySpanExporter
) -> None:
    headers = identities.headers(identities.principal("learner")) | {"traceparent": f"00-{TRACE}-{PARENT}-01"}

    await client.post(f"{NOTES}?why=a-private-reason", json={"text": "traced"}, headers=headers)

    [span] = of_requests(exporter)
    assert span.name == f"POST {NOTES}"
    assert span.context is not None
    assert span.parent is not None
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)
    said = dict(span.attributes or {})
    assert said["http.route"] == NOTES
    assert (said["http.request.method"], said["http.response.status_code"]) == ("POST", 201)
    assert "private" not in str(said)


async def test_a_request_that_fails_is_an_error_of_its_span(
    client: httpx2.AsyncClient, identities: Identities, exporter: InMemorySpanExporter
) -> None:
    headers = identities.headers(identities.principal("learner"))

    answer = await client.post(NOTES, json={"text": "twins"}, headers=headers)

    [span] = of_requests(exporter)
    assert span.status.status_code is StatusCode.ERROR
    assert dict(span.attributes or {})["error.type"] == str(answer.status_code)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_probes_are_no_requests_of_anybody(
    client: httpx2.AsyncClient, exporter: InMemorySpanExporter, path: str
) -> None:
    await client.get(path)

    assert of_requests(exporter) == []
