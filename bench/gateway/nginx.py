"""nginx in a folder of its own: as an upstream that answers at once, and as a bare proxy before it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.gateway.figures import Failed
from bench.gateway.process import cpu_seconds, family
from stoa_devkit.ports import answers, free_port

READY_SECONDS = 20.0
#: Debian puts it where only root looks.
PLACES = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
_ALL = """
daemon off;
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  log_format sizes '$content_length';
  default_type application/json;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  client_max_body_size 64m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {http}
}}
"""
_PROXY = """
  upstream behind {{ server {upstream}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 3600s; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    port: int
    pid: int
    folder: Path

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def cpu_seconds(self) -> float:
        return sum(cpu_seconds(pid) for pid in family(self.pid))


@asynccontextmanager
async def answering(folder: Path, locations: str) -> AsyncIterator[Nginx]:
    """An upstream of these `location` blocks."""
    port = free_port()
    async with _running(folder, port, f"server {{ listen 127.0.0.1:{port}; root {folder}; {locations} }}") as nginx:
        yield nginx


@asynccontextmanager
async def proxying(folder: Path, upstream: str) -> AsyncIterator[Nginx]:
    """A proxy that does nothing but pass on, with connections to the upstream kept open."""
    port = free_port()
    async with _running(folder, port, _PROXY.format(port=port, upstream=upstream)) as nginx:
        yield nginx


@asynccontextmanager
async def _running(folder: Path, port: int, http: str) -> AsyncIterator[Nginx]:
    program = shutil.which("nginx", path=PLACES) or "nginx"
    told = ["-p", str(folder), "-c", _written(folder, http), "-e", str(folder / "error.log")]
    process = await asyncio.create_subprocess_exec(program, *told)
    try:
        await _until_it_answers(process, port, folder)
        yield Nginx(port, process.pid, folder)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _written(folder: Path, http: str) -> str:
    folder.mkdir(exist_ok=True)
    config = folder / "nginx.conf"
    # A worker that became somebody else could not look into the folder.
    user = "user root root;" if os.geteuid() == 0 else ""
    config.write_text(_ALL.format(folder=folder, http=http, user=user))
    return str(config)


async def _until_it_answers(process: asyncio.subprocess.Process, port: int, folder: Path) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while not answers(port):
            if process.returncode is not None:
                raise Failed(f"nginx ended at once: {(folder / 'error.log').read_text()[-500:]}")
            await asyncio.sleep(0.05)


def quoted(text: str) -> str:
    """For `return 200`: nginx would read variables and quotes."""
    if "$" in text:
        raise ValueError("nginx knows no way to write a dollar.")
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
