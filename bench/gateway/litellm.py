"""The LiteLLM proxy: in an environment of its own, made once from `litellm.txt`, with what its pages advise."""

import asyncio
import hashlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import distributions
from pathlib import Path

from bench.gateway.figures import Failed
from stoa_devkit.ports import free_port

LOCK = Path(__file__).with_name("litellm.txt")
PLACE = Path(__file__).parents[2] / ".venv-litellm"
MODEL = "fake"


@asynccontextmanager
async def running(upstream: str) -> AsyncIterator[tuple[str, str]]:
    """Its address, and the key that it asks for; one worker, one model, no database."""
    program, port, key = installed(), free_port(), f"sk-{secrets.token_hex(16)}"
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        config = _written(Path(folder), upstream, key)
        # What https://docs.litellm.ai/docs/proxy/prod advises; and its list of prices not from the network.
        advised = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        process = await asyncio.create_subprocess_exec(
            *(str(program), "--config", config, "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"),
            env={**os.environ, **advised},
            cwd=folder,
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            yield f"http://127.0.0.1:{port}", key
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _written(folder: Path, upstream: str, key: str) -> str:
    """The configuration's path. JSON is YAML."""
    model = {"model": f"openai/{MODEL}", "api_base": f"{upstream}/v1", "api_key": "none"}
    said = {
        "model_list": [{"model_name": MODEL, "litellm_params": model}],
        "general_settings": {"master_key": key},
        "litellm_settings": {"set_verbose": False, "request_timeout": 600},
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(said))
    return str(path)


def installed() -> Path:
    """Its program; installed the first time, and again when the list of packages has changed."""
    stamp, wanted = PLACE / "installed", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"bench.gateway: installing LiteLLM into {PLACE}, once", file=sys.stderr)
        _uv("venv", "--clear", "--python", sys.executable, str(PLACE))
        _uv("pip", "install", "--python", str(PLACE / "bin" / "python"), "--require-hashes", "-r", str(LOCK))
        stamp.write_text(wanted)
    return PLACE / "bin" / "litellm"


def version() -> str:
    folders = [str(folder) for folder in PLACE.glob("lib/python*/site-packages")]
    return next(found.version for found in distributions(name="litellm", path=folders))


def _uv(*told: str) -> None:
    done = subprocess.run([sys.executable, "-m", "uv", "--quiet", *told], check=False)
    if done.returncode:
        raise Failed("LiteLLM could not be installed; see the lines above.")
