"""Personal fields: encrypted in every copy of an event, readable while the person's key exists.

On the wire a `Personal[T]` is `{"enc", "kid", "ct"}` or null. The key belongs to the person and the publisher; when it
is destroyed, every copy of the field in Kafka, in logs and in readers' stores becomes unreadable at once.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

T = TypeVar("T")
ALGORITHM = "A256GCM"
_WIRE_SCHEMA: JsonSchemaValue = {
    "anyOf": [
        {
            "type": "object",
            "title": "Sealed",
            "properties": {
                "enc": {
                    "const": ALGORITHM,
                    "description": "AES-256 in GCM (NIST SP 800-38D); nonce before ciphertext.",
                },
                "kid": {"type": "string", "description": "The id of the key, which the publisher keeps to itself."},
                "ct": {"type": "string", "contentEncoding": "base64url"},
            },
            "required": ["enc", "kid", "ct"],
        },
        {"type": "null"},
    ],
    "x-personal": True,
}


@dataclass(frozen=True, slots=True)
class Sealed:
    """The wire form of a personal field."""

    enc: str
    kid: str
    ct: str

    @classmethod
    def of(cls, kid: str, ciphertext: bytes) -> "Sealed":
        return cls(enc=ALGORITHM, kid=kid, ct=base64.urlsafe_b64encode(ciphertext).decode().rstrip("="))

    @property
    def ciphertext(self) -> bytes:
        return base64.urlsafe_b64decode(self.ct + "=" * (-len(self.ct) % 4))


class PersonalNotSealed(TypeError):
    """A personal field was about to leave the process in the clear."""


class Personal(Generic[T]):
    """A personal value on its way into an event (`plain`) or out of one (`sealed`); its repr shows neither."""

    __slots__ = ("_plain", "sealed")

    def __init__(self, plain: T | None = None, *, sealed: Sealed | None = None) -> None:
        self._plain = plain
        self.sealed = sealed

    @property
    def plain(self) -> T | None:
        """The value that the publisher put in; None once it has travelled."""
        return self._plain

    def plaintext(self) -> bytes:
        return json.dumps(self._plain).encode()

    def __repr__(self) -> str:
        return "Personal(sealed)" if self.sealed else "Personal(...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Personal) and (self._plain, self.sealed) == (other._plain, other.sealed)

    __hash__ = None  # type: ignore[assignment]  # compared by a value that must not leak through a set's order

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _parse, serialization=core_schema.plain_serializer_function_ser_schema(_render, when_used="json")
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return dict(_WIRE_SCHEMA)


def _parse(value: object) -> Personal[Any]:
    if isinstance(value, Personal):
        return value
    if value is None:
        return Personal()
    if isinstance(value, dict) and value.get("enc") == ALGORITHM:
        try:
            return Personal(sealed=Sealed(enc=ALGORITHM, kid=str(value["kid"]), ct=str(value["ct"])))
        except KeyError as missing:
            raise ValueError(f"A sealed field needs {missing.args[0]}.") from None
    raise ValueError("A personal field is {enc, kid, ct} or null.")


def _render(value: Personal[Any]) -> dict[str, str] | None:
    if value.sealed:
        return {"enc": value.sealed.enc, "kid": value.sealed.kid, "ct": value.sealed.ct}
    if value.plain is None:
        return None
    raise PersonalNotSealed("A personal field is sealed by the outbox before it is written.")
