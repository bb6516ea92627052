"""OpenTelemetry over HTTP, SQL and Kafka. Without `OTEL_EXPORTER_OTLP_ENDPOINT` only the context travels."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import context as otel
from opentelemetry import propagate, trace
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_tracer = trace.get_tracer("stoa")


def configure(*, service: str, endpoint: str) -> None:
    """Export spans to an OTLP/HTTP endpoint; does nothing when none is set."""
    if not endpoint:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"stoa-{service}"}))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    trace.set_tracer_provider(provider)


def shutdown() -> None:
    """Send what is still buffered."""
    provider = trace.get_tracer_provider()
    if stop := getattr(provider, "shutdown", None):
        stop()


def instrument_engines(engines: Sequence["AsyncEngine"]) -> None:
    """A span for each statement. Once a process: the instrumentor ignores a second call."""
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

    SQLAlchemyInstrumentor().instrument(
        engines=[engine.sync_engine for engine in engines],
        # It names SQLAlchemy below 2.1 as its range, and works with 2.1: a test looks at the spans.
        skip_dep_check=True,
    )


@contextmanager
def request_span(method: str, scheme: str, traceparent: str | None) -> Iterator[Span]:
    """The span of one request, child of the one that its client names.

    Names follow OpenTelemetry's conventions for HTTP servers (1.23 and later). Path and query are left out: they hold
    what people wrote; `answered` adds the route.
    """
    parent = propagate.extract({"traceparent": traceparent}) if traceparent else None
    attributes = {"http.request.method": method, "url.scheme": scheme}
    span = _tracer.start_span(method, context=parent, kind=SpanKind.SERVER, attributes=attributes)
    token = otel.attach(trace.set_span_in_context(span, parent))
    try:
        yield span
    finally:
        otel.detach(token)
        span.end()


def answered(span: Span, *, method: str, route: str, status: int) -> None:
    """Say what became of a request; a status of ours from 500 on is an error of the span."""
    if not span.is_recording():
        return
    span.update_name(f"{method} {route}" if route else method)
    span.set_attributes({"http.response.status_code": status, **({"http.route": route} if route else {})})
    if status >= 500:
        span.set_attribute("error.type", str(status))
        span.set_status(StatusCode.ERROR)


@contextmanager
def record_span(event_type: str) -> Iterator[None]:
    """The span of an event's recording; its traceparent is what travels with the event."""
    attributes = {
        "messaging.system": "kafka",
        "messaging.operation.name": "record",
        "cloudevents.event_type": event_type,
    }
    with _tracer.start_as_current_span(f"record {event_type}", kind=SpanKind.PRODUCER, attributes=attributes):
        yield


@contextmanager
def handle_span(name: str, traceparent: str | None, attributes: dict[str, AttributeValue]) -> Iterator[None]:
    """The span of one event's handling, child of the span that recorded the event."""
    parent = propagate.extract({"traceparent": traceparent}) if traceparent else None
    with _tracer.start_as_current_span(name, context=parent, kind=SpanKind.CONSUMER, attributes=attributes):
        yield


@contextmanager
def batch_span(name: str, traceparents: Iterable[str | None], attributes: dict[str, AttributeValue]) -> Iterator[None]:
    """The span of one batch, linked to the span that recorded each of its events."""
    links = [link for text in traceparents if text and (link := _link(text))]
    with _tracer.start_as_current_span(name, kind=SpanKind.CONSUMER, links=links, attributes=attributes):
        yield


def _link(traceparent: str) -> Link | None:
    span = trace.get_current_span(propagate.extract({"traceparent": traceparent})).get_span_context()
    return Link(span) if span.is_valid else None
