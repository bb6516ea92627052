"""Structured logs: one JSON object a line (or readable lines on a console), to standard output, through structlog."""

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import Any

import orjson
import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from stoa_common import clock, context

_SECRET_KEYS = frozenset(
    {"password", "token", "access_token", "refresh_token", "secret", "authorization", "api_key", "email"}
)


def get_logger(**fields: Any) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(**fields)
    return logger


def configure(*, service: str, level: str = "info", form: str = "json") -> None:
    """Send structlog's and the standard library's records to standard output in one format."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_context(service),
        _hide_secrets,
        *([structlog.processors.format_exc_info] if form == "json" else []),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stdout)
    renderer: Processor = structlog.processors.JSONRenderer() if form == "json" else _console()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    handler.addFilter(_NotAgain(for_seconds=10))
    _Lines.current = _Lines(service, is_json=form == "json") if logging.root.isEnabledFor(logging.INFO) else None
    # Their INFO says what every line of ours says already.
    for chatty in ("aiokafka", "faststream", "uvicorn", "httpx2", "procrastinate", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


Line = dict[str, Any]


def lines() -> Callable[[Line], None] | None:
    """For what is said of each request: writes a line of level `info`; None where nobody wants these.

    The usual way takes a tenth of a millisecond a line. Needs a running event loop.
    """
    return _Lines.current.write if _Lines.current is not None else None


class _Lines:
    """Lines of one turn of the event loop leave together. They look like all others, and say where they belong."""

    current: "_Lines | None" = None

    def __init__(self, service: str, *, is_json: bool) -> None:
        self._service = service
        self._is_json = is_json
        self._waiting: list[bytes] = []

    def write(self, line: Line) -> None:
        if not self._is_json:
            structlog.get_logger().info(line.pop("event"), **line)
            return
        line["service"], line["level"] = self._service, "info"
        line["timestamp"] = clock.now().isoformat().replace("+00:00", "Z")
        if correlation := context.current().correlation_id:
            line["correlation_id"] = correlation
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            line["trace_id"] = f"{span.trace_id:032x}"
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        sys.stdout.buffer.write(b"".join(waiting))
        sys.stdout.buffer.flush()


class _NotAgain(logging.Filter):
    """Drops a library's line that was said a moment ago: aiokafka repeats itself ten times a second."""

    def __init__(self, *, for_seconds: float) -> None:
        super().__init__()
        self._for_seconds = for_seconds
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("aiokafka"):
            return True
        message, at = record.getMessage(), record.created
        if at - self._said.get(message, 0.0) < self._for_seconds:
            return False
        self._said = {text: then for text, then in self._said.items() if at - then < self._for_seconds} | {message: at}
        return True


def _console() -> Processor:
    # The default prints local variables with a traceback, and with them what must not be printed.
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


def _add_context(service: str) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            event["trace_id"] = f"{span.trace_id:032x}"
        if correlation := context.current().correlation_id:
            event.setdefault("correlation_id", correlation)
        return event

    return add


def _hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for key in _SECRET_KEYS & event.keys():
        event[key] = "[hidden]"
    return event
