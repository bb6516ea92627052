"""Which provider writes the answers of this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stoa_ai.passages.service import Embedder, estimate_tokens
from stoa_ai.providers.domain import (
    NOT_FOUND,
    Cited,
    Finished,
    Piece,
    Provider,
    ProviderFailed,
    Question,
    Text,
    Used,
)
from stoa_ai.providers.extractive import ExtractiveProvider
from stoa_ai.settings import Settings

__all__ = [
    "NOT_FOUND",
    "Cited",
    "Finished",
    "Piece",
    "Provider",
    "ProviderFailed",
    "Question",
    "Text",
    "Used",
    "estimate_tokens",
    "open_provider",
]


@asynccontextmanager
async def open_provider(settings: Settings, embedder: Embedder) -> AsyncIterator[Provider]:
    """The model behind OPENAI_BASE_URL or OPENAI_API_KEY where one of them is set, else the extractive one."""
    if not settings.has_model:
        yield ExtractiveProvider(embedder)
        return
    # Imported here: a second of start-up and 30 MB, for those alone who ask a model.
    from stoa_ai.providers.provider import Deadlines, OpenAIProvider

    provider = OpenAIProvider(
        base_url=settings.openai_base_url or None,
        # Servers of one's own often want none, but the client insists on a value.
        api_key=settings.openai_api_key.get_secret_value() or "none",
        model=settings.openai_model,
        deadlines=Deadlines(settings.provider_stall_seconds, settings.provider_total_seconds),
        max_output_tokens=settings.max_output_tokens,
        allowed_hosts=settings.allowed_link_hosts.split(),
    )
    try:
        yield provider
    finally:
        await provider.close()
