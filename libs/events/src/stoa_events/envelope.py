"""CloudEvents 1.0 in Kafka's binary mode: the headers around an event's data.

Source: CloudEvents Kafka Protocol Binding 1.0.2, section 3.2 (binary content mode); extensions `sequence`,
`orgid`, `correlationid`, `causationid` are ours, `traceparent` is W3C Trace Context.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from uuid import UUID

CONTENT_TYPE = "application/json"
SPEC_VERSION = "1.0"


class BadEnvelope(ValueError):
    """A record's headers do not make a CloudEvent; the message names the header."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything about an event but its data."""

    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    dataschema: str
    sequence: int
    orgid: UUID | None = None
    correlationid: str | None = None
    causationid: str | None = None
    traceparent: str | None = None

    def headers(self) -> list[tuple[str, bytes]]:
        """Kafka headers, in a fixed order; what is absent is omitted, never null."""
        return [(name, value.encode()) for name, value in self._texts().items() if value is not None]

    def _texts(self) -> dict[str, str | None]:
        return {
            "content-type": CONTENT_TYPE,
            "ce_specversion": SPEC_VERSION,
            "ce_id": str(self.id),
            "ce_source": self.source,
            "ce_type": self.type,
            "ce_subject": self.subject,
            "ce_time": self.time.isoformat(),
            "ce_dataschema": self.dataschema,
            "ce_sequence": str(self.sequence),
            "ce_orgid": str(self.orgid) if self.orgid else None,
            "ce_correlationid": self.correlationid,
            "ce_causationid": self.causationid,
            "traceparent": self.traceparent,
        }

    def with_sequence(self, sequence: int) -> Self:
        return replace(self, sequence=sequence)

    @classmethod
    def from_headers(cls, headers: Iterable[tuple[str, bytes | None]]) -> Self:
        """Read a record's headers; raises BadEnvelope, which names what is wrong."""
        texts = _decode(headers)
        if texts.get("ce_specversion") != SPEC_VERSION:
            raise BadEnvelope(f"ce_specversion must be {SPEC_VERSION}.")
        try:
            return cls._from_texts(texts)
        except KeyError as missing:
            raise BadEnvelope(f"The header {missing.args[0]} is missing.") from None
        except ValueError as error:
            raise BadEnvelope(f"A header is malformed: {error}") from None

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, str]) -> Self:
        """Read an event's attributes by their CloudEvents names; raises BadEnvelope, which names what is wrong."""
        if attributes.get("specversion") != SPEC_VERSION:
            raise BadEnvelope(f"specversion must be {SPEC_VERSION}.")
        try:
            return cls._from_texts({_header(name): text for name, text in attributes.items()})
        except KeyError as missing:
            raise BadEnvelope(f"The attribute {missing.args[0].removeprefix('ce_')} is missing.") from None
        except ValueError as error:
            raise BadEnvelope(f"An attribute is malformed: {error}") from None

    @classmethod
    def _from_texts(cls, texts: Mapping[str, str]) -> Self:
        return cls(
            id=UUID(texts["ce_id"]),
            source=texts["ce_source"],
            type=texts["ce_type"],
            subject=texts["ce_subject"],
            time=datetime.fromisoformat(texts["ce_time"]),
            dataschema=texts["ce_dataschema"],
            sequence=int(texts["ce_sequence"]),
            orgid=UUID(texts["ce_orgid"]) if "ce_orgid" in texts else None,
            correlationid=texts.get("ce_correlationid"),
            causationid=texts.get("ce_causationid"),
            traceparent=texts.get("traceparent"),
        )


def _header(attribute: str) -> str:
    # W3C Trace Context and not CloudEvents names this one, so that it has no prefix on Kafka.
    return attribute if attribute == "traceparent" else f"ce_{attribute}"


def _decode(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in headers:
        if value is None:
            raise BadEnvelope(f"The header {name} is null.")
        try:
            texts[name] = value.decode()
        except UnicodeDecodeError:
            raise BadEnvelope(f"The header {name} is not UTF-8.") from None
    return texts
