"""Showing beside the password who one is: a code of an app, a recovery code, or a passkey."""

from dataclasses import dataclass

from stoa_auth.factors import service as factors
from stoa_auth.factors.service import Guard
from stoa_auth.passkeys import service as passkeys
from stoa_auth.passkeys.schemas import PasskeyIn
from stoa_auth.passkeys.service import RelyingParty
from stoa_auth.people.service import Person
from stoa_common.database import Session
from stoa_common.errors import Refusal

#: A code as it was typed, or what a browser made of a passkey.
Proof = str | PasskeyIn


@dataclass(frozen=True, slots=True)
class Checks:
    """With what a proof is checked, and in which languages the person is told of a recovery code that was used."""

    guard: Guard
    party: RelyingParty
    languages: str | None = None

    async def prove(self, session: Session, person: Person, proof: Proof) -> tuple[str, ...] | Refusal:
        """By which methods (RFC 8176) the person, who is locked, has proved who they are. Raises TooManyFailures."""
        if isinstance(proof, str):
            methods = await factors.check_code(session, person, proof, guard=self.guard, languages=self.languages)
            return methods if isinstance(methods, Refusal) else tuple(methods)
        proven = await passkeys.check_proof(session, person.id, proof, party=self.party)
        return proven if isinstance(proven, Refusal) else proven.methods
