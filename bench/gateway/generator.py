"""Load from wrk (C): so many connections, each of which asks again as soon as it has its answer."""

import asyncio
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.gateway.figures import Failed

#: wrk counts answers of 400 and above; whoever measures looks at one answer first.
_TURNS = """
local method, body, people, made, turn = %s, %s, {%s}, {}, 0
init = function()
  for number, headers in ipairs(people) do made[number] = wrk.format(method, nil, headers, body) end
end
request = function()
  turn = turn %% #made + 1
  return made[turn]
end
"""
_DONE = """
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\\n{"answered": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "max_ms": %f, "refused": %d, "broken": %d}\\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What wrk saw; `refused` are answers of 400 and above, `broken` what ended without one."""

    answered: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    refused: int
    broken: int

    @property
    def per_second(self) -> float:
        return self.answered / self.seconds


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, again and again: by these people in turn, each told by headers of their own."""

    url: str
    people: Sequence[Mapping[str, str]]
    method: str = "GET"
    body: str = ""

    def script(self) -> str:
        """The same for wrk; a JSON string of ASCII is one of Lua's, too."""
        heads = ", ".join("{" + _fields(person) + "}" for person in self.people)
        return _TURNS % (json.dumps(self.method), json.dumps(self.body) if self.body else "nil", heads)


def _fields(person: Mapping[str, str]) -> str:
    return ", ".join(f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in person.items())


async def load(request: Request, *, connections: int, seconds: float, script: str = "") -> Run:
    """Raises Failed where a single answer was missing or said no."""
    run = await try_load(request, connections=connections, seconds=seconds, script=script)
    if run.refused or run.broken or not run.answered:
        raise Failed(f"of {run.answered} answers {run.refused} said no, and {run.broken} were none: {request.url}")
    return run


async def try_load(request: Request, *, connections: int, seconds: float, script: str = "") -> Run:
    """What came of it, whatever that was; `script` is further Lua for wrk."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write("\n".join([request.script(), script, _DONE]))
        file.flush()
        told = ["-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "10s", "-s", file.name, request.url]
        wrk = await asyncio.create_subprocess_exec(
            "wrk", *told, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said = (await wrk.communicate())[0].decode()
    return parse(said)


def parse(said: str) -> Run:
    """The line that our script has added to wrk's own words."""
    for line in reversed(said.splitlines()):
        if line.startswith('{"answered"'):
            return Run(**json.loads(line))
    raise Failed(f"wrk gave no figures: {said.strip()[-300:]}")
