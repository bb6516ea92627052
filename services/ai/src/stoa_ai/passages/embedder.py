"""Texts to vectors on the CPU: all-MiniLM-L6-v2 by onnxruntime, off the event loop.

Measured with AVX-512 VNNI: ready in 0.3 s (1.5 s where the model has to be built), 48 passages of 200 tokens a second
and core, 1.5 ms a question, 140 MB for a process with nothing else in it.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stoa_ai.passages import cache, weights

Vector = NDArray[np.float32]
DIMENSIONS = 384
MAX_TOKENS = 256


class _Runtime(NamedTuple):
    session: Any
    tokenizer: Any


class Embedder:
    """Vectors of length one, 384 numbers each; what is longer than 256 tokens counts by its beginning.

    The model loads in a thread from `start` on; whoever asks before it is there waits. A failure to load is raised to
    all who ask, and `failure` tells it to the readiness check.
    """

    model = cache.STEM

    def __init__(self, folder: Path, *, threads: int = 2, weights_folder: Path | None = None) -> None:
        self._cache = folder.expanduser()
        self._threads = threads
        self._weights = weights_folder
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="embedder")
        self._loading: Future[_Runtime] | None = None

    def start(self) -> None:
        if self._loading is None:
            self._loading = self._pool.submit(_load, self._weights or weights.installed_folder(), self._cache)

    def failure(self) -> BaseException | None:
        return self._loading.exception() if self._loading and self._loading.done() else None

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """A vector for each text, in the order of the texts."""
        runtime = await self._runtime()
        waiting = deque(range(len(texts)))
        vectors: dict[int, Vector] = {}

        # A lane takes its next text only when the one before is done, so a question never waits for a whole lesson.
        async def lane() -> None:
            while waiting:
                place = waiting.popleft()
                job = asyncio.get_running_loop().run_in_executor(self._pool, _run, runtime, texts[place])
                vectors[place] = await job

        await asyncio.gather(*(lane() for _ in range(self._threads)))
        return [vectors[place] for place in range(len(texts))]

    async def _runtime(self) -> _Runtime:
        self.start()
        assert self._loading is not None
        return await asyncio.wrap_future(self._loading)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _load(folder: Path, models: Path) -> _Runtime:
    # Imported here: 0.3 s and 50 MB that a process without embeddings (relay, migrate) never pays.
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(weights.check(folder)))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = str(cache.find_or_build(folder, models))
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return _Runtime(session, tokenizer)


def _run(runtime: _Runtime, text: str) -> Vector:
    ids = np.array(runtime.tokenizer.encode(text).ids, np.int64)
    vector: Vector = runtime.session.run(["vector"], {"ids": ids})[0]
    return vector
