"""The embedding model's file: built once from the checked weights, kept in a folder, named by what is in it."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile

from stoa_ai.passages.weights import WeightsRefused, sha256

STEM = "all-MiniLM-L6-v2-int8-1"
"""Changes with the graph; vectors of different stems don't compare."""

_BUILD_SECONDS = 120


def find_or_build(weights_folder: Path, cache: Path) -> Path:
    """The model's file, whole; raises WeightsRefused where none can be made."""
    if found := _find_whole(cache):
        return found
    # A process of its own: the builder's 220 MB go back to the system with it.
    command = [sys.executable, "-m", "stoa_ai.passages.graph", str(weights_folder), str(cache)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False)  # noqa: S603
    if found := _find_whole(cache):
        return found
    reason = built.stderr.strip().rpartition("\n")[2] or "it does not read back as it was written"
    raise WeightsRefused(f"The embedding model could not be built in {cache}: {reason}")


def keep(model: bytes, cache: Path) -> Path:
    """Write the model in one step, so that nobody ever reads half of it."""
    cache.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=cache, suffix=".part", delete=False) as part:
        part.write(model)
        part.flush()
        os.fsync(part.fileno())
    path = Path(part.name)
    path.chmod(0o644)
    return path.rename(cache / f"{STEM}-{sha256(path)}.onnx")


def _find_whole(cache: Path) -> Path | None:
    candidates = sorted(cache.glob(f"{STEM}-*.onnx"))
    return next((path for path in candidates if path.stem.endswith(sha256(path))), None)
