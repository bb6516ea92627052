"""all-MiniLM-L6-v2 as an ONNX graph with int8 weights: a BERT encoder, mean pooling, unit length.

The encoder follows Devlin et al. 2018 (arXiv:1810.04805) with the tensors of the checkpoint; pooling and normalization
are those of sentence-transformers. Weights are int8 per output column, activations are quantized as they come
(DynamicQuantizeLinear, MatMulInteger): onnxruntime fuses both into one kernel. The table of word vectors, half of the
model, is int8 per row.

`python -m stoa_ai.passages.graph WEIGHTS CACHE` builds the file.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from stoa_ai.passages.cache import keep
from stoa_ai.passages.weights import Weights, read_weights

LAYERS, HIDDEN, HEADS = 6, 384, 12
HEAD = HIDDEN // HEADS
_EPSILON = 1e-12
_OPSET = helper.make_opsetid("", 21)


def build(weights: Weights) -> onnx.ModelProto:
    """Input `ids`, int64 [tokens], one text; output `vector`, float32 [384], of length one.

    One text and no batch: activations are quantized by the range of all that is computed together, so in a batch the
    vector of a text would depend on its neighbors. On a CPU a batch is hardly faster.
    """
    encoder = _Encoder(weights)
    encoder.draw()
    text = helper.make_tensor_value_info("ids", TensorProto.INT64, ["tokens"])
    vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [HIDDEN])
    graph = helper.make_graph(encoder.nodes, "all-MiniLM-L6-v2", [text], [vector], encoder.tensors)
    return helper.make_model(graph, opset_imports=[_OPSET], ir_version=10)


def quantize(matrix: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric int8 and its scales, one for each slice that `axis` runs along."""
    scales = np.abs(matrix).max(axis=axis, keepdims=True) / 127
    scales[scales == 0] = 1
    return np.rint(matrix / scales).astype(np.int8), scales.astype(np.float32)


class _Encoder:
    """Draws the graph: each method adds nodes and gives the name of what they compute."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []

    def draw(self) -> None:
        x = self.norm(self.embeddings(), "embeddings.LayerNorm")
        for layer in range(LAYERS):
            x = self.layer(x, f"encoder.layer.{layer}")
        mean = self.node("ReduceMean", x, self.axes(0), keepdims=0)
        self.node("LpNormalization", mean, output="vector", axis=-1, p=2)

    def embeddings(self) -> str:
        words, scales = quantize(self.weights["embeddings.word_embeddings.weight"], 1)
        rows = self.node("Cast", self.node("Gather", self.tensor("words", words), "ids"), to=TensorProto.FLOAT)
        found = self.node("Mul", rows, self.node("Gather", self.tensor("words.scale", scales), "ids"))
        # One text is one segment, so the segment's vector is part of every position.
        positions = self.weights["embeddings.position_embeddings.weight"]
        positions = positions + self.weights["embeddings.token_type_embeddings.weight"][0]
        start = self.node("Slice", self.tensor("positions", positions), self.axes(0), self.node("Shape", "ids"))
        return self.node("Add", found, start)

    def layer(self, x: str, name: str) -> str:
        attended = self.linear(self.attention(x, f"{name}.attention.self"), f"{name}.attention.output.dense")
        x = self.norm(self.node("Add", attended, x), f"{name}.attention.output.LayerNorm")
        wide = self.node("Gelu", self.linear(x, f"{name}.intermediate.dense"))
        return self.norm(self.node("Add", self.linear(wide, f"{name}.output.dense"), x), f"{name}.output.LayerNorm")

    def attention(self, x: str, name: str) -> str:
        """Scaled dot products of all heads at once: [heads, tokens, tokens]."""
        heads = self.integers("heads", 0, HEADS, HEAD)
        rows = [self.node("Reshape", self.linear(x, f"{name}.{part}"), heads) for part in ("query", "key", "value")]
        query, value = (self.node("Transpose", row, perm=[1, 0, 2]) for row in (rows[0], rows[2]))
        key = self.node("Transpose", rows[1], perm=[1, 2, 0])
        scores = self.node("Mul", self.node("MatMul", query, key), self.floats("scale", HEAD**-0.5))
        shares = self.node("Softmax", scores, axis=-1)
        joined = self.node("Transpose", self.node("MatMul", shares, value), perm=[1, 0, 2])
        return self.node("Reshape", joined, self.integers("joined", 0, HIDDEN))

    def linear(self, x: str, name: str) -> str:
        matrix, scales = quantize(self.weights[f"{name}.weight"].T, 0)
        small, scale, zero = self.nodes_of("DynamicQuantizeLinear", x, outputs=3)
        product = self.node("MatMulInteger", small, self.tensor(f"{name}.matrix", matrix), zero)
        back = self.node("Mul", scale, self.tensor(f"{name}.scale", scales[0]))
        product = self.node("Mul", self.node("Cast", product, to=TensorProto.FLOAT), back)
        return self.node("Add", product, self.tensor(f"{name}.bias", self.weights[f"{name}.bias"]))

    def norm(self, x: str, name: str) -> str:
        scale, bias = (self.tensor(f"{name}.{part}", self.weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.node("LayerNormalization", x, scale, bias, epsilon=_EPSILON, axis=-1)

    def node(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        return self.nodes_of(kind, *inputs, output=output, **attributes)[0]

    def nodes_of(
        self, kind: str, *inputs: str, outputs: int = 1, output: str | None = None, **attributes: Any
    ) -> list[str]:
        names = [output] if output else [f"{kind}.{len(self.nodes)}.{n}" for n in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names

    def tensor(self, name: str, values: NDArray[Any]) -> str:
        if all(tensor.name != name for tensor in self.tensors):
            self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def axes(self, *numbers: int) -> str:
        return self.integers("axes", *numbers)

    def integers(self, name: str, *numbers: int) -> str:
        return self.tensor(f"{name}{numbers}", np.array(numbers, np.int64))

    def floats(self, name: str, value: float) -> str:
        return self.tensor(name, np.array(value, np.float32))


if __name__ == "__main__":
    keep(build(read_weights(Path(sys.argv[1]))).SerializeToString(), Path(sys.argv[2]))
