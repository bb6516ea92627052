"""PostgreSQL, Valkey and Apache Kafka out of Python wheels, without root, Java or Docker."""

from stoa_devkit.servers.kafka import Kafka
from stoa_devkit.servers.postgres import Postgres
from stoa_devkit.servers.server import Server
from stoa_devkit.servers.valkey import Valkey

__all__ = ["Kafka", "Postgres", "Server", "Valkey"]
