"""A balancer as operators run it: nginx in front of two gateways, told each half second which of them are ready."""

import asyncio
import grp
import os
import pwd
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
from programs import Gateway

from stoa_common.testing.ports import free_port

ASK_SECONDS = 0.5
#: Debian has it where only root's PATH looks.
PATHS = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
#: A gateway is ready while there is a file of its name. That is looked up for each request: `nginx -s reload`, which
#: would do it too, closes its clients' kept connections between two requests without a word (until nginx 1.27.4 and its
#: `keepalive_min_timeout`), and so loses some by itself. Nothing is sent a second time, so no loss stays hidden.
CONFIGURATION = """
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 10m;
    keepalive_requests 1000000;
    split_clients $request_id $turn {{ 50% a; * b; }}
    map $ready$turn $gateway {{ default $turn; aa a; ab a; ba b; bb b; }}
    upstream a {{ server 127.0.0.1:{a}; keepalive 32; }}
    upstream b {{ server 127.0.0.1:{b}; keepalive 32; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            set $ready "";
            if (-f {folder}/ready/a) {{ set $ready a; }}
            if (-f {folder}/ready/b) {{ set $ready "${{ready}}b"; }}
            proxy_pass http://$gateway;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_next_upstream off;
            proxy_buffering off;
            proxy_read_timeout 60s;
        }}
    }}
}}
"""


def find() -> str | None:
    """The path of nginx; None where there is none."""
    return shutil.which("nginx", path=PATHS)


@asynccontextmanager
async def balancer(program: str, folder: Path, gateways: Mapping[str, Gateway]) -> AsyncIterator[str]:
    """The address of an nginx in front of the gateways `a` and `b`, which follows their `/readyz`."""
    port = free_port()
    (folder / "ready").mkdir()
    ports = {name: gateway.port for name, gateway in gateways.items()}
    (folder / "nginx.conf").write_text(CONFIGURATION.format(user=_user(), folder=folder, port=port, **ports))
    # As root it would give its workers to nobody, who cannot look into the folder.
    command = (program, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(folder / "nginx.conf"))
    process = await asyncio.create_subprocess_exec(*command)
    following = asyncio.create_task(_follow(folder / "ready", gateways))
    try:
        await _listening(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        following.cancel()
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def _follow(folder: Path, gateways: Mapping[str, Gateway]) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as client:
        while True:
            for name, gateway in gateways.items():
                await _note(folder / name, gateway, client)
            await asyncio.sleep(ASK_SECONDS)


async def _note(mark: Path, gateway: Gateway, client: aiohttp.ClientSession) -> None:
    try:
        is_ready = await gateway.readiness(client) == 200
    except TimeoutError:
        # A slow answer on a busy machine says nothing: it stays as it was.
        return
    _mark(mark, is_ready=is_ready)


def _mark(file: Path, *, is_ready: bool) -> None:
    file.touch() if is_ready else file.unlink(missing_ok=True)


async def _listening(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(20):
        while True:
            assert process.returncode is None, "nginx ended while it started"
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.1)


def _user() -> str:
    if os.getuid() != 0:
        return ""
    return f"user {pwd.getpwuid(os.getuid()).pw_name} {grp.getgrgid(os.getgid()).gr_name};"
