"""What a process of this service opens once, and gives to requests and handlers by type."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from stoa_ai.ask.recordings import Recordings
from stoa_ai.passages.service import Embedder
from stoa_ai.providers.service import open_provider
from stoa_ai.settings import Settings
from stoa_common.resources import Resources


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Sequence[object]]:
    embedder = Embedder(settings.model_dir, threads=settings.embedding_threads)
    # The first question should not wait for the model; readiness does not wait either.
    embedder.start()
    recordings = Recordings()
    try:
        async with open_provider(settings, embedder) as provider:
            yield [embedder, provider, recordings]
    finally:
        await recordings.close()
        embedder.close()


async def check_embedder(resources: Resources) -> None:
    """Not ready where the model was refused; raises what refused it."""
    if failure := resources.get(Embedder).failure():
        raise failure
