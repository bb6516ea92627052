"""The Redis that a measurement counts on: named by `--redis`, else by the environment."""

import argparse

from redis import Redis
from redis.exceptions import RedisError

from stoa_common.settings import read_variable

#: The second is what `stoa with-servers` sets.
_VARIABLES = ("REDIS_URL", "STOA_TEST_REDIS_URL")


def add_redis(parser: argparse.ArgumentParser) -> None:
    """Let the command line name one."""
    told = next((url for variable in _VARIABLES if (url := read_variable(variable))), "redis://127.0.0.1:6379/0")
    parser.add_argument("--redis", default=told, help="its address; `stoa with-servers -- ...` starts one")


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The arguments, once that Redis has answered; ends with a sentence and exit code 2 where it does not."""
    asked = parser.parse_args()
    try:
        with Redis.from_url(asked.redis, socket_connect_timeout=2, socket_timeout=2) as client:
            client.ping()
    except (RedisError, ValueError) as error:
        instead = f"name one by --redis, or run `stoa with-servers -- {parser.prog}`"
        parser.error(f"no Redis answers ({type(error).__name__}): {instead}")
    return asked
