"""Processes that tests start end in every case."""

import sys
import time

import pytest

from tests import processes
from tests.processes import process

DEAF = (
    "import signal, sys, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


def test_a_read_from_a_silent_process_ends() -> None:
    with process([sys.executable, "-c", DEAF], seconds=1) as deaf:
        assert deaf.stdout
        assert deaf.stdout.read() == "up\n"


def test_a_process_that_does_not_end_is_killed_and_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "SECONDS_TO_END", 0.1)
    with pytest.raises(TimeoutError, match="did not end"), process([sys.executable, "-c", DEAF]):
        pass


def test_a_failed_test_does_not_wait_for_its_processes() -> None:
    start = time.monotonic()
    with pytest.raises(ZeroDivisionError), process([sys.executable, "-c", DEAF]):
        _ = 1 / 0
    assert time.monotonic() - start < processes.SECONDS_TO_END
