"""Processes that tests start: they end with the test, and no test waits for them for ever."""

import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

SECONDS = 100  # for all that a process does; pytest gives a test 120
SECONDS_TO_END = 15


@contextmanager
def process(command: Sequence[str], *, seconds: float = SECONDS, **more: Any) -> "Iterator[subprocess.Popen[str]]":
    """Start a command with its output as text in pipes; it is killed after `seconds`, so that each read has an end.

    At the end of the block it has a while to end by itself. Raises TimeoutError if it does not.
    """
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | more
    started: subprocess.Popen[str] = subprocess.Popen(command, **given)
    limit = threading.Timer(seconds, started.kill)
    limit.daemon = True
    limit.start()
    try:
        yield started
        try:
            started.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{command[0]} did not end within {SECONDS_TO_END} s") from None
    finally:
        limit.cancel()
        started.kill()
        started.wait()
        for pipe in (started.stdin, started.stdout, started.stderr):
            if pipe:
                pipe.close()
