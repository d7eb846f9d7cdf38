"""An asyncio event loop in its own thread, for the servers of the sandbox."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

Run = Callable[[Coroutine[Any, Any, None]], None]


@contextmanager
def event_loop_thread(name: str) -> Iterator[Run]:
    """Yield a function that runs a coroutine in the thread's event loop and waits for it."""
    loop = asyncio.new_event_loop()

    def run(work: Coroutine[Any, Any, None]) -> None:
        if thread.is_alive():
            asyncio.run_coroutine_threadsafe(work, loop).result()
        else:  # SystemExit in a request handler ends the loop and its thread
            loop.run_until_complete(work)

    # A daemon, so that a second Ctrl-C ends the process while a server shuts down.
    thread = threading.Thread(target=loop.run_forever, name=name, daemon=True)
    thread.start()
    try:
        yield run
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
