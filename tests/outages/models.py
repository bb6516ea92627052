"""The server of models as a process, started again when it has ended, as a supervisor would."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from platforms import free_port

PROGRAM = Path(__file__).with_name("model_server.py")
AGAIN_SECONDS = 1.0


class Models:
    """Where it is, and what it was asked in all its lives."""

    def __init__(self, folder: Path) -> None:
        self._port, self._notes = free_port(), folder / "asked.txt"
        self._is_over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}/v1"

    @property
    def pid(self) -> int | None:
        """None while it is just started again."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def asked(self) -> Counter[str]:
        """How often each question arrived, by its mark."""
        return Counter(self._notes.read_text().split()) if self._notes.exists() else Counter()

    def is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/models", timeout=2).status_code == httpx2.codes.OK
        except httpx2.HTTPError:
            return False

    def keep(self) -> None:
        """Until ended."""
        while not self._is_over.is_set():
            command = [sys.executable, str(PROGRAM), str(self._port), str(self._notes)]
            self._process = subprocess.Popen(command)
            self._process.wait()
            self._is_over.wait(AGAIN_SECONDS)

    def end(self) -> None:
        self._is_over.set()
        if self._process is not None:
            self._process.kill()


@contextmanager
def serving(folder: Path) -> Iterator[Models]:
    """Kept running meanwhile."""
    models = Models(folder)
    keeper = threading.Thread(target=models.keep, daemon=True)
    keeper.start()
    try:
        yield models
    finally:
        models.end()
        keeper.join(10)
