"""A security key in software: makes passkeys and signs with them, byte by byte as WebAuthn (W3C, level 3) says."""

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
_ES256, _EC2, _P256 = -7, 2, 1
_AAGUID = bytes(16)


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unbase64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cbor(value: object) -> bytes:
    """CBOR (RFC 8949) of what authenticators write: integers, bytes, texts, maps in the order given."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    assert isinstance(value, dict)
    return _head(5, len(value)) + b"".join(cbor(key) + cbor(each) for key, each in value.items())


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    if number < 2**8:
        return bytes([kind << 5 | 24, number])
    assert number < 2**16
    return bytes([kind << 5 | 25]) + struct.pack(">H", number)


@dataclass
class SecurityKey:
    """One device with one passkey. `is_synced`: the passkey may be on other devices, too; `counts`: it counts uses."""

    is_synced: bool = False
    counts: bool = True
    attests: bool = False
    private_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    user_handle: bytes | None = None
    uses: int = 0

    def create(self, options: dict[str, Any], *, origin: str, rp_id: str | None = None) -> dict[str, Any]:
        """As `navigator.credentials.create()` on a page of this origin; a liar may name another `rp_id`."""
        self.user_handle = unbase64url(options["user"]["id"])
        client_data = _client_data("webauthn.create", options["challenge"], origin)
        data = self._data(rp_id or options["rp"]["id"], PRESENT | VERIFIED | ATTESTED) + self._attested()
        statement = {"alg": _ES256, "sig": self._sign(data, client_data)} if self.attests else {}
        made = {"fmt": "packed" if self.attests else "none", "attStmt": statement, "authData": data}
        return self._credential(
            {
                "clientDataJSON": base64url(client_data),
                "attestationObject": base64url(cbor(made)),
                "transports": ["internal", "hybrid"],
            }
        )

    def get(
        self, options: dict[str, Any], *, origin: str, rp_id: str | None = None, flags: int = PRESENT | VERIFIED
    ) -> dict[str, Any]:
        """As `navigator.credentials.get()`."""
        client_data = _client_data("webauthn.get", options["challenge"], origin)
        data = self._data(rp_id or options["rpId"], flags)
        return self._credential(
            {
                "clientDataJSON": base64url(client_data),
                "authenticatorData": base64url(data),
                "signature": base64url(self._sign(data, client_data)),
                "userHandle": base64url(self.user_handle) if self.user_handle else None,
            }
        )

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        known = base64url(self.credential_id)
        return {
            "id": known,
            "rawId": known,
            "type": "public-key",
            "response": response,
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
        }

    def _data(self, rp_id: str, flags: int) -> bytes:
        self.uses += self.counts
        backup = ELIGIBLE | BACKED_UP if self.is_synced else 0
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags | backup, self.uses)

    def _attested(self) -> bytes:
        point = self.private_key.public_key().public_numbers()
        cose = {1: _EC2, 3: _ES256, -1: _P256, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        return _AAGUID + struct.pack(">H", len(self.credential_id)) + self.credential_id + cbor(cose)

    def _sign(self, data: bytes, client_data: bytes) -> bytes:
        return self.private_key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))


def _client_data(kind: str, challenge: str, origin: str) -> bytes:
    return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()
