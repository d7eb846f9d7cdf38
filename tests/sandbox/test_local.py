"""`make up`, as a person runs it."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.packaging import BUILD
from sandbox import local
from sandbox.emulator import NotStartedError
from sandbox.program import ROOT
from tests.ports import free_ports

pytestmark = pytest.mark.sandbox

COMMAND = [sys.executable, "-m", "sandbox", "--port"]


def run(port: int, **more: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen([*COMMAND, str(port)], cwd=ROOT, stdout=-1, stderr=-1, text=True, **more)


def processes(needle: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if needle in (folder / "environ").read_text(errors="replace"):
                found.append((folder / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_it_says_where_it_is_and_leaves_neither_process_nor_file_behind(tmp_path: Path) -> None:
    port = free_ports()
    with run(port, env={**os.environ, "TMPDIR": str(tmp_path)}, start_new_session=True) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "with e-mail" in line:
                break
        printed = "".join(lines)
        assert (BUILD / f"sandbox-{port}.json").exists()
        assert f"http://localhost:{port}" in printed
        assert "김하늘" in printed
        assert printed.count(" s\n") == 3  # the steps, each with its time
        page = requests.get(f"http://127.0.0.1:{port}/", timeout=5)
        assert (page.status_code, "카카오 로그인" in page.content.decode()) == (200, True)
        requests.get(f"http://127.0.0.1:{port}/api/auth/login", allow_redirects=False, timeout=10)  # a warm Lambda
        account = {"email": "reader@example.com", "password": "a long enough password"}
        requests.post(f"http://127.0.0.1:{port}/api/auth/sign-up", json=account, timeout=10).raise_for_status()
        assert re.search(
            r"mail to reader@example.com: .*\d{6}", next(line for line in process.stdout if "mail" in line)
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stderr
        assert process.stderr.read() == ""
    assert list(tmp_path.iterdir()) == []
    assert not (BUILD / f"sandbox-{port}.json").exists()
    if sys.platform == "linux":
        assert processes(str(tmp_path)) == []


@pytest.mark.parametrize("offset", range(4))
def test_a_taken_port_is_named_with_the_way_out(offset: int) -> None:
    port = free_ports()
    with (
        socket.create_server(("127.0.0.1", port + offset)),
        pytest.raises(NotStartedError) as refused,
        local.running(port),
    ):
        pass
    assert f"Port {port + offset} cannot be used" in str(refused.value)
    assert "make up PORT=" in str(refused.value)


def test_a_missing_node_is_said_without_a_traceback(tmp_path: Path) -> None:
    with run(free_ports(), env={**os.environ, "PATH": str(tmp_path)}) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Node.js is missing" in errors
    assert "Traceback" not in errors


def test_all_ports_move_together() -> None:
    config = local.settings(4000)
    assert config["kakao-login:extraOrigins"] == ["http://localhost:4000"]
    assert config["kakao-login:hostedLoginUrl"] == "http://127.0.0.1:4001"
    assert config["kakao-login:kakaoIssuer"] == "http://127.0.0.1:4002"
    assert set(config["aws:endpoints"][0].values()) == {"http://127.0.0.1:4003"}
    assert ":300" not in repr(config)


INTERRUPTED = """
import threading
from pathlib import Path
from sandbox import kakao, live, terminal

start = threading.Thread.start

def interrupted(thread):
    start(thread)
    raise KeyboardInterrupt

threading.Thread.start = interrupted
with {block}:
    pass
"""


@pytest.mark.parametrize(
    "block",
    [
        'kakao.serve(0, kakao.KakaoApp("key", "secret", 1, ()), {})',
        "live.saved_files_applied(list, print)",
        'terminal.shown("http://127.0.0.1:1", Path("/dev/null"), print)',
    ],
    ids=["kakao", "live", "terminal"],
)
def test_an_interrupt_in_the_moment_in_which_something_begins_ends_the_process(block: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED.format(block=block)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert "KeyboardInterrupt" in ended.stderr
