"""Three brokers on one machine, for what one alone cannot show: a broker dies, and the others go on."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stoa_devkit.ports import free_port
from stoa_devkit.servers.kafka import Kafka, new_cluster_id
from stoa_devkit.servers.server import silent

BROKERS = 3


def three_brokers(folder: Path, *, cache: Path) -> list[Kafka]:
    """Brokers of one cluster with `min.insync.replicas=2`, not started; data and logs lie in the folder."""
    ports: list[int] = []
    while len(ports) < 2 * BROKERS:
        ports.append(free_port(besides=ports))
    nodes = range(1, BROKERS + 1)
    controllers = dict(zip(nodes, ports[BROKERS:], strict=True))
    cluster_id = new_cluster_id()
    return [
        Kafka(
            folder / f"kafka-{node}",
            folder / f"kafka-{node}.log",
            ports[node - 1],
            controller_port=controllers[node],
            cache=cache,
            node=node,
            controller_ports=controllers,
            cluster_id=cluster_id,
        )
        for node in nodes
    ]


def start_together(brokers: Sequence[Kafka], report: Callable[[str], None] = silent) -> None:
    """Prepare and start them side by side, and wait for all: none answers before a majority is there."""
    _record_start(brokers[0], report)
    with ThreadPoolExecutor(len(brokers)) as pool:
        list(pool.map(lambda broker: broker.prepare(report), brokers))
        list(pool.map(lambda broker: broker.start(), brokers))
        list(pool.map(lambda broker: broker.wait(), brokers))


def bootstrap_servers(brokers: Sequence[Kafka]) -> str:
    """What clients are told; any of them may be away."""
    return ",".join(broker.address for broker in brokers)


def _record_start(broker: Kafka, report: Callable[[str], None]) -> None:
    """One of three cannot record its start alone, so a broker without company does it, where nobody has before."""
    if not broker.start_is_recorded:
        folder = broker.data.parent / "recording"
        Kafka(folder, broker.log, free_port(), controller_port=free_port(), cache=broker.cache).prepare(report)
