"""The emulated AWS starts empty and isolated, and leaves nothing behind."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sandbox import emulator as module
from sandbox.emulator import Emulator, NotStartedError, check_free, emulated_aws
from tests.ports import free_ports
from tests.processes import process

pytestmark = pytest.mark.sandbox
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def group(leader: int) -> list[str]:
    """The living processes of a process group, by name."""
    living = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text().rpartition(")")
        except OSError:
            continue
        state, _, process_group = rest.split()[:3]
        if int(process_group) == leader and state != "Z":
            living.append(name)
    return living


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@linux
def test_variables_of_the_caller_do_not_reach_the_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("AWS_ENDPOINT_URL", "AWS_SECRET_ACCESS_KEY", "http_proxy", "PERSIST_STATE")
    for name in names:
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with emulated_aws(free_ports()) as emulator:
        environment = Path(f"/proc/{emulator.process}/environ").read_text()
    assert [name for name in names if f"{name}=" in environment] == []


@linux
def test_the_emulator_leaves_no_files_or_processes(account_at: Callable[[str], Any]) -> None:
    port = free_ports()
    with emulated_aws(port) as emulator:
        account = account_at(emulator.url)
        account.function("hello", "return 1")
        with closing(account.client("lambda")) as functions:
            functions.get_waiter("function_active_v2").wait(FunctionName="hello", WaiterConfig={"Delay": 0.05})
            assert functions.invoke(FunctionName="hello")["Payload"].read() == b"1"
        assert len(group(emulator.process)) == 2
        written = [path.name for path in emulator.folder.iterdir()]
        assert f"ministack-{port}.pid" in written
        assert any(name.startswith("ministack-lambda-hello-") for name in written)
    assert group(emulator.process) == []
    assert not emulator.folder.exists()


@linux
def test_the_emulator_ends_with_a_killed_caller(tmp_path: Path) -> None:
    program = """
import sys
from sandbox.emulator import emulated_aws
with emulated_aws(int(sys.argv[1])) as emulator:
    print(emulator.process, flush=True)
    input()
"""
    command = [sys.executable, "-c", program, str(free_ports())]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with process(command, stdin=-1, stderr=None, env=environment) as caller:
        assert caller.stdout
        emulator = int(caller.stdout.readline())
        assert group(emulator)
        caller.kill()
        caller.wait(30)
    wait_until(lambda: not group(emulator))


def test_an_emulator_that_ended_early_is_cleaned_up() -> None:
    with emulated_aws(free_ports()) as emulator:
        os.kill(emulator.process, signal.SIGKILL)
    assert not emulator.folder.exists()


def test_the_reason_of_a_failed_start_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/ls")  # knows no ministack
    with pytest.raises(NotStartedError, match=r"did not start:\n.*ls: "), emulated_aws(free_ports()):
        pytest.fail("it started")


def test_an_emulator_that_never_gets_ready_times_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexec sleep 30\n")
    silent.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(silent))
    monkeypatch.setattr(module, "START_TIMEOUT_SECONDS", 0.1)
    with pytest.raises(NotStartedError, match="did not start"), emulated_aws(free_ports()):
        pytest.fail("it started")


def test_a_port_in_use_is_reported_with_its_number(emulator: Emulator) -> None:
    port = int(emulator.url.rpartition(":")[2])
    with pytest.raises(NotStartedError, match=f"Port {port} cannot be used.*make up PORT="), emulated_aws(port):
        pytest.fail("it started")


def test_a_port_in_use_at_ipv6_counts_as_in_use() -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server, pytest.raises(NotStartedError, match="cannot be used"):
        check_free(server.getsockname()[1])


def test_a_missing_node_js_is_reported_before_the_emulator_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotStartedError, match=r"Node\.js is missing.*18"), emulated_aws(free_ports()):
        pytest.fail("it started")
