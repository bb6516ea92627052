"""SIGTERM and SIGINT as a wish to stop."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: A process hears a signal once, however many subscribers it has.
_stops: list[Callable[[], None]] = []


@contextmanager
def calling(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on either signal, while this lasts.

    A signal that belongs to somebody else is left to them: a web server's, one in a thread, and all on Windows, whose
    loops hear none. There call `Subscriber.stop` yourself.
    """
    if not _stops:
        _listen()
    _stops.append(stop)
    try:
        yield
    finally:
        _stops.remove(stop)
        if not _stops:
            _listen_no_more()


def _listen() -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for number in SIGNALS:
        if _is_free(number):
            with suppress(NotImplementedError):
                asyncio.get_running_loop().add_signal_handler(number, _stop_all)


def _listen_no_more() -> None:
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            with suppress(NotImplementedError):
                asyncio.get_running_loop().remove_signal_handler(number)


def _stop_all() -> None:
    for stop in _stops:
        stop()


def _is_free(number: signal.Signals) -> bool:
    handler = signal.getsignal(number)
    # asyncio.run's own would cancel the handlers in the middle.
    is_asyncios = isinstance(getattr(getattr(handler, "func", None), "__self__", None), asyncio.Runner)
    return is_asyncios or handler in (signal.SIG_DFL, signal.default_int_handler)
