"""Verifying access tokens' signatures: Ed25519 (RFC 8037, RFC 9864) by libsodium, which takes half of OpenSSL's time.

Signing, and whatever is not done at every request, stays with the algorithms that joserfc brings.
"""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc.jwk import OKPKey
from joserfc.jws import JWSAlgModel, JWSRegistry  # type: ignore[attr-defined]  # the base of its algorithms is there
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey


class _Ed25519(JWSAlgModel):
    key_type = "OKP"
    description = "EdDSA on Curve25519, verified only"

    def __init__(self, name: str) -> None:
        self.name = name

    def sign(self, msg: bytes, key: OKPKey) -> bytes:
        raise NotImplementedError("This registry verifies only.")

    def verify(self, msg: bytes, sig: bytes, key: OKPKey) -> bool:
        public = key.get_op_key("verify")
        if not isinstance(public, Ed25519PublicKey):
            return False
        try:
            VerifyKey(public.public_bytes_raw()).verify(msg, sig)
        except (BadSignatureError, ValueError):
            # The latter is a signature that is not 64 bytes long.
            return False
        return True


#: `EdDSA` is what auth's tokens say, `Ed25519` its newer and exact name.
ALGORITHMS: Final = ("EdDSA", "Ed25519")


class VerifyingRegistry(JWSRegistry):
    """Knows these algorithms and no others, so that no token can ask for another."""

    algorithms: dict[str, JWSAlgModel] = {name: _Ed25519(name) for name in ALGORITHMS}  # noqa: RUF012  # as its base has it

    def __init__(self) -> None:
        super().__init__(algorithms=ALGORITHMS)
