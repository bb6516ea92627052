"""The embedding model against the same weights computed plainly, and against figures that its authors publish."""

import asyncio
import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray
from tokenizers import Tokenizer

from stoa_ai.passages import weights
from stoa_ai.passages.embedder import Embedder
from stoa_ai.passages.weights import WeightsRefused

Array = NDArray[np.float32]
TEXTS = [
    "Tides",
    "Why does the sea rise twice a day?",
    "The Moon pulls at the near side of the Earth more than at its center, and at the far side less.",
    "Ein Satz auf Deutsch, 12.5 % länger & mit Zeichen: {x} → y.",
    "def f(x):\n    return x ** 2  # code",
    "words without end " * 20,
]


class Plain:
    """BERT in numpy, in float32 (Devlin et al. 2018, section 3)."""

    def __init__(self) -> None:
        folder = weights.installed_folder()
        self.w = weights.read_weights(folder)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(256)
        self.erf = np.vectorize(math.erf, otypes=[np.float32])

    def embed(self, text: str) -> Array:
        ids = self.tokenizer.encode(text).ids
        w = self.w
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
        x = self.norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(6):
            name = f"encoder.layer.{layer}"
            seen = self.linear(self.attention(x, f"{name}.attention.self"), f"{name}.attention.output.dense")
            x = self.norm(x + seen, f"{name}.attention.output.LayerNorm")
            wide = self.linear(x, f"{name}.intermediate.dense")
            wide = wide * (1 + self.erf(wide / np.sqrt(2))) / 2
            x = self.norm(x + self.linear(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        mean: Array = x.mean(0)
        return mean / np.linalg.norm(mean)

    def attention(self, x: Array, name: str) -> Array:
        rows = (self.linear(x, f"{name}.{part}") for part in ("query", "key", "value"))
        query, key, value = (row.reshape(-1, 12, 32).swapaxes(0, 1) for row in rows)
        scores = query @ key.swapaxes(1, 2) / np.sqrt(32)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        joined: Array = (shares @ value).swapaxes(0, 1).reshape(len(x), 384)
        return joined

    def linear(self, x: Array, name: str) -> Array:
        return x @ self.w[f"{name}.weight"].T + self.w[f"{name}.bias"]

    def norm(self, x: Array, name: str) -> Array:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]


async def test_vectors_are_those_of_the_original_weights(embedder: Embedder) -> None:
    plain = Plain()

    vectors = await embedder.embed(TEXTS)

    likeness = [float(vector @ plain.embed(text)) for vector, text in zip(vectors, TEXTS, strict=True)]
    assert min(likeness) > 0.97, likeness
    assert all(abs(np.linalg.norm(vector) - 1) < 1e-3 for vector in vectors)


async def test_likeness_is_as_the_authors_publish_it(embedder: Embedder) -> None:
    # The example on the model's page, as sentence-transformers computes it.
    person, dog, very, sunny = await embedder.embed(
        ["That is a happy person", "That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    )

    assert [person @ dog, person @ very, person @ sunny] == pytest.approx([0.695, 0.943, 0.257], abs=0.04)


async def test_a_vector_does_not_depend_on_what_is_embedded_with_it(embedder: Embedder) -> None:
    together = await embedder.embed(TEXTS)

    alone = [(await embedder.embed([text]))[0] for text in TEXTS]

    assert all(np.array_equal(a, b) for a, b in zip(together, alone, strict=True))


@pytest.mark.parametrize("texts", [[], [""], ["", "\n", "🌊" * 2000]])
async def test_empty_texts_have_finite_vectors(embedder: Embedder, texts: Sequence[str]) -> None:
    vectors = await embedder.embed(texts)

    assert len(vectors) == len(texts)
    assert all(np.isfinite(vector).all() for vector in vectors)


async def test_one_altered_byte_refuses_to_load(tmp_path: Path, model_dir: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(weights.installed_folder(), folder)
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(50_000_000)
        file.write(bytes([file.read(1)[0] ^ 1]))
    altered = Embedder(model_dir, weights_folder=folder)

    with pytest.raises(WeightsRefused, match="sha256"):
        await altered.embed(["Tides"])

    assert isinstance(altered.failure(), WeightsRefused)
    altered.close()


@pytest_asyncio.fixture(loop_scope="session")
async def damaged_dir(tmp_path: Path, embedder: Embedder, model_dir: Path) -> Path:
    """A cache whose model has lost its end."""
    await embedder.embed([""])
    await asyncio.to_thread(_copy_beginning, model_dir, tmp_path)
    return tmp_path


def _copy_beginning(source: Path, target: Path) -> None:
    [built] = source.glob("*.onnx")
    (target / built.name).write_bytes(built.read_bytes()[:1000])


async def test_a_damaged_model_is_built_again(embedder: Embedder, damaged_dir: Path) -> None:
    [expected] = await embedder.embed(["Tides"])

    again = Embedder(damaged_dir)
    [vector] = await again.embed(["Tides"])

    assert float(vector @ expected) > 0.999
    again.close()


async def test_where_the_model_cannot_be_kept_the_reason_is_told(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.touch()
    stuck = Embedder(nowhere / "models")

    with pytest.raises(WeightsRefused, match=r"could not be built in .*NotADirectoryError"):
        await stuck.embed(["Tides"])

    stuck.close()


async def test_a_question_does_not_wait_for_a_whole_lesson(embedder: Embedder) -> None:
    lesson = asyncio.create_task(embedder.embed(["words without end " * 80] * 40))
    await asyncio.sleep(0)

    await embedder.embed(["Why?"])

    assert not lesson.done()
    await lesson
