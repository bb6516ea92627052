"""Argon2id off the event loop."""

import asyncio
from collections.abc import Iterator

import pytest

from stoa_auth.accounts.passwords import PasswordQueueIsFull, Passwords

HORSE = "correct horse battery"


def cheap(*, workers: int = 2, queue: int = 10, memory_kib: int = 64) -> Passwords:
    return Passwords(memory_kib=memory_kib, iterations=1, parallelism=1, workers=workers, queue=queue)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = cheap()
    yield made
    made.close()


async def test_a_password_fits_its_own_hash_only(passwords: Passwords) -> None:
    kept = await passwords.hash(HORSE)

    assert kept.startswith("$argon2id$")
    assert await passwords.verify(HORSE, kept)
    assert not await passwords.verify(HORSE + "!", kept)


async def test_nobody_has_the_password_of_unknown_people(passwords: Passwords) -> None:
    assert not await passwords.verify("nobody has this password", None)


async def test_an_accent_may_be_composed_either_way(passwords: Passwords) -> None:
    kept = await passwords.hash("caf\u00e9 caf\u00e9 caf\u00e9")

    assert await passwords.verify("cafe\u0301 cafe\u0301 cafe\u0301", kept)


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back() -> None:
    passwords = cheap(workers=1, queue=1, memory_kib=8192)

    answers = await asyncio.gather(*(passwords.hash(HORSE) for _ in range(5)), return_exceptions=True)

    refused = [answer for answer in answers if isinstance(answer, PasswordQueueIsFull)]
    assert len(refused) == 3
    assert int(refused[0].headers["Retry-After"]) >= 1
    assert await passwords.hash(HORSE)
    passwords.close()


async def test_the_event_loop_goes_on_while_passwords_are_hashed() -> None:
    passwords = cheap(workers=1, memory_kib=32_768)
    hashing = asyncio.gather(*(passwords.hash(HORSE) for _ in range(8)))

    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.002)
        turns += 1

    assert turns >= 8
    passwords.close()
