"""How a subscriber writes a contract's class in Python."""

from stoa_events.contract import Event
from stoa_events.contracts.operations import OPERATIONS


def python_name(event: type[Event]) -> str:
    """Where to import it from, as in `stoa_events.contracts.AttemptGraded`.

    What every service publishes of its own messaging has no name of its own: `stoa_events.contracts.OPERATIONS["auth"]`
    holds it.
    """
    package = event.__module__.rpartition(".")[0]
    for service, operations in OPERATIONS.items():
        for field, contract in operations._asdict().items():
            if contract is event:
                return f'{package}.OPERATIONS["{service}"].{field}'
    return f"{package}.{event.__name__}"
