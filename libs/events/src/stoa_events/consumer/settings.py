"""The client's settings: what must not vary is written here once, and can't be passed in."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

#: Seconds for calls of aiokafka that never return while the broker is away.
CALL_SECONDS: Final = 10.0
#: Within the broker's patience for a rebalance: what handlers get to finish before their partitions go elsewhere.
REVOKE_SECONDS: Final = 40.0
#: Within the 30 seconds that Kubernetes and most others give between SIGTERM and SIGKILL.
STOP_SECONDS: Final = 15.0
COMMIT_EVERY_SECONDS: Final = 0.2

FIXED: Final = {
    # A group that is new, or whose offsets have expired, begins with the oldest event that is kept.
    "auto_offset_reset": "earliest",
    "enable_auto_commit": False,
    "session_timeout_ms": 45_000,
    "heartbeat_interval_ms": 3_000,
    "rebalance_timeout_ms": 60_000,
    "max_poll_interval_ms": 900_000,
    # A topic that is made after the start is read within this time.
    "metadata_max_age_ms": 30_000,
    # One assignor: members that disagree on it never form a group.
    "partition_assignment_strategy": (RoundRobinPartitionAssignor,),
}
#: What a cluster may need besides its address. Names and values are aiokafka's.
CONNECTION: Final = frozenset(
    {
        *("client_id", "security_protocol", "ssl_context", "request_timeout_ms"),
        *("sasl_mechanism", "sasl_plain_username", "sasl_plain_password", "sasl_oauth_token_provider"),
    }
)


def check_connection(connection: Mapping[str, Any]) -> dict[str, Any]:
    """Raises TypeError for a setting that is ours to fix."""
    refused = sorted(set(connection) - CONNECTION)
    if refused:
        raise TypeError(f"{', '.join(refused)} can't be set: a Subscriber takes {', '.join(sorted(CONNECTION))}.")
    return dict(connection)


def new_consumer(
    servers: Sequence[str], *, group_id: str, group_instance_id: str | None, connection: Mapping[str, Any]
) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=list(servers),
        group_id=group_id,
        group_instance_id=group_instance_id,
        **{**connection, **FIXED},
    )
