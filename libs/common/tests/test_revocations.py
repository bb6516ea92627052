"""A revoked token is refused at once where it is known, and what a copy does not know it asks for."""

import time

import pytest
from revoking import Truth, a_copy, everything, expire, is_taken

from stoa_common import revocations
from stoa_common.ids import new_id
from stoa_common.revocation_log import RedisLog
from stoa_common.security import TokenVerifier
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER


@pytest.mark.parametrize("kind", ["session", "person", "member"])
async def test_a_token_that_was_taken_a_moment_ago_is_refused_once_it_is_revoked(
    identities: Identities, shared: RedisLog, truth: Truth, kind: str
) -> None:
    copy = a_copy(shared, truth)
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=copy)
    who = identities.principal("admin")
    token = identities.token(who)
    others = identities.token(identities.principal("admin", organization_id=who.organization))
    assert await is_taken(verifier, token)

    truth.revoke(everything(who)[kind])
    expire(copy)

    assert not await is_taken(verifier, token)
    assert await is_taken(verifier, others)


async def test_a_suspended_organization_ends_the_tokens_of_all_its_members_and_of_nobody_else(
    identities: Identities, shared: RedisLog, truth: Truth
) -> None:
    copy = a_copy(shared, truth)
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=copy)
    who = identities.principal("admin")
    members = [who, identities.principal("learner", organization_id=who.organization)]
    elsewhere = identities.principal("admin", person_id=who.person_id)

    truth.revoke(revocations.of_organization(who.organization_id))

    assert [await is_taken(verifier, identities.token(member)) for member in members] == [False, False]
    assert await is_taken(verifier, identities.token(elsewhere))


async def test_a_changed_role_ends_its_holders_tokens_and_no_others(
    identities: Identities, shared: RedisLog, truth: Truth
) -> None:
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=a_copy(shared, truth))
    organization = new_id()
    holders = [
        identities.principal(*roles, organization_id=organization) for roles in (("grader",), ("learner", "grader"))
    ]
    others = [identities.principal("learner", organization_id=organization), identities.principal("grader")]

    truth.revoke(revocations.of_role(organization, "grader"))

    assert [await is_taken(verifier, identities.token(who)) for who in holders] == [False, False]
    assert [await is_taken(verifier, identities.token(who)) for who in others] == [True, True]


async def test_a_token_that_tells_no_role_ends_with_those_that_tell_none(
    identities: Identities, shared: RedisLog, truth: Truth
) -> None:
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=a_copy(shared, truth))
    who = identities.principal("admin")

    truth.revoke(revocations.of_role(who.organization_id, ""))

    assert not await is_taken(verifier, identities.token(who, roles=[]))
    assert await is_taken(verifier, identities.token(who))


async def test_a_token_that_was_issued_after_the_revocation_is_taken(
    identities: Identities, shared: RedisLog, truth: Truth
) -> None:
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=a_copy(shared, truth))
    who = identities.principal("admin")
    at = time.time() - 10
    truth.revoke(everything(who)["member"], not_before=at)

    assert not await is_taken(verifier, identities.token(who, iat=at - 0.001))
    assert not await is_taken(verifier, identities.token(who, iat=at))
    assert await is_taken(verifier, identities.token(who, iat=at + 0.001))


async def test_another_organization_of_the_same_person_is_untouched(
    identities: Identities, shared: RedisLog, truth: Truth
) -> None:
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=a_copy(shared, truth))
    here = identities.principal("admin")
    there = identities.principal("learner", person_id=here.person_id)

    truth.revoke(everything(here)["member"])

    assert not await is_taken(verifier, identities.token(here))
    assert await is_taken(verifier, identities.token(there))
