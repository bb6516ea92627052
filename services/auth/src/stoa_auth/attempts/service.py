"""Use cases of attempts: before a password is verified, and after.

An attempt is counted as failed before its password is verified, so that a burst of parallel guesses is counted in time;
but afterwards where its network has logged in to the account before, since people do log in on many tabs at once. The
statements are the same for all: nobody learns from the time taken where that is, or whether there is an account.
"""

from datetime import datetime

from stoa_auth.attempts import domain
from stoa_auth.attempts.domain import Attempt, Limits, refusal
from stoa_auth.attempts.repository import AttemptRepository
from stoa_common import clock, context
from stoa_common.database import Session

__all__ = ["Attempt", "Limits", "begin", "fail", "forget_old", "refusal", "succeed"]


async def begin(session: Session, email: str, *, limits: Limits, from_anywhere: bool = False) -> Attempt:
    """An attempt from the current request's address. Raises TooManyFailures.

    `from_anywhere` counts all networks as one, for what is guessed soon even if each of many tries a little.
    """
    at, repository = clock.now(), AttemptRepository(session)
    if from_anywhere:
        keys = domain.keys_from_anywhere(email, secret=limits.secret)
    else:
        keys = domain.keys(email, context.current().address, secret=limits.secret)
    attempt = domain.begin(await repository.read(keys.all), keys, limits, at=at)
    if not await _count_pair(repository, attempt, limits, by=0 if attempt.is_known else 1, at=at):
        # A twin of this request came first, and waits for nothing any more where this does not raise.
        domain.begin(await repository.read(keys.all), keys, limits, at=at)
    return attempt


async def fail(session: Session, attempt: Attempt, *, limits: Limits) -> None:
    """The password was wrong, or nobody's, or of no use now: the account and the network count it too."""
    at, repository = clock.now(), AttemptRepository(session)
    await _count_pair(repository, attempt, limits, by=1 if attempt.is_known else 0, at=at)
    await repository.count(attempt.keys.account, at=at, per_hour=domain.account_room(limits))
    # What fails while it waits anyway keeps it waiting no longer.
    failures = await repository.count(attempt.keys.network, at=at, per_hour=limits.network_free, even_if_waiting=False)
    delay = domain.delay(failures or 0, free=limits.network_free, longest=limits.network_longest)
    if delay:
        await repository.wait(attempt.keys.network, until=at + delay)


async def _count_pair(
    repository: AttemptRepository, attempt: Attempt, limits: Limits, *, by: int, at: datetime
) -> bool:
    """Whether it was counted: not while the pair waits for what was counted before."""
    failures = await repository.count(
        attempt.keys.pair, at=at, per_hour=limits.free, by=by, even_if_waiting=attempt.is_known
    )
    delay = domain.pair_delay(failures or 0, attempt, limits)
    if by and failures is not None and delay:
        await repository.wait(attempt.keys.pair, until=at + delay)
    return failures is not None


async def succeed(session: Session, attempt: Attempt) -> None:
    """The password was right: this network is known at this account from now on."""
    await AttemptRepository(session).forgive(attempt.keys.pair, at=clock.now())


async def forget_old(session: Session) -> None:
    """Drop the counts that nothing has been added to for as long as networks are known."""
    await AttemptRepository(session).forget_old(before=clock.now() - domain.KNOWN)
