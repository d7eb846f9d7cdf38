"""`make up`, as a developer runs it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from infra.packaging import BUILD
from sandbox import live, local, program, terminal
from sandbox.__main__ import THREADS, wait_for_end
from sandbox.emulator import NotStartedError
from sandbox.program import ROOT, own
from tests.ports import free_ports
from tests.processes import process

pytestmark = pytest.mark.sandbox
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

COMMAND = [sys.executable, "-m", "sandbox", "--port"]


def run(port: int, *arguments: str, **more: Any) -> "AbstractContextManager[subprocess.Popen[str]]":
    return process([*COMMAND, str(port), *arguments], cwd=ROOT, **more)


def children(parent: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            _state, of, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
            found += [int(folder.name)] * (int(of) == parent)
    return found


def processes(needle: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if needle in (folder / "environ").read_text(errors="replace"):
                found.append((folder / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_make_up_prints_its_addresses_and_leaves_no_process_or_file(tmp_path: Path) -> None:
    port = free_ports()
    with run(port, env={**os.environ, "TMPDIR": str(tmp_path)}, start_new_session=True) as sandbox:
        assert sandbox.stdout
        lines = []
        for line in sandbox.stdout:
            lines.append(line)
            if "with e-mail" in line:
                break
        printed = "".join(lines)
        assert (BUILD / f"sandbox-{port}.json").exists()
        assert f"http://localhost:{port}" in printed
        assert "김하늘" in printed
        assert printed.count(" s\n") == 3  # the steps, each with its time
        page = requests.get(f"http://127.0.0.1:{port}/", timeout=60)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        requests.get(f"http://127.0.0.1:{port}/api/auth/login", allow_redirects=False, timeout=60)  # a warm Lambda
        account = {"email": "reader@example.com", "password": "a long enough password"}
        requests.post(f"http://127.0.0.1:{port}/api/auth/sign-up", json=account, timeout=60).raise_for_status()
        assert "mail to reader@example.com: 인증 코드" in next(line for line in sandbox.stdout if "mail to" in line)
        assert next(line for line in sandbox.stdout if re.fullmatch(r" +\d{6}\n", line))
        sandbox.send_signal(signal.SIGINT)
        assert sandbox.wait(30) == 0
        assert sandbox.stderr
        assert sandbox.stderr.read() == ""
    assert list(tmp_path.iterdir()) == []
    assert not (BUILD / f"sandbox-{port}.json").exists()
    if sys.platform == "linux":
        assert processes(str(tmp_path)) == []


@pytest.mark.parametrize("offset", range(4))
def test_a_port_in_use_is_reported_with_the_command_for_another_port(offset: int) -> None:
    port = free_ports()
    with (
        socket.create_server(("127.0.0.1", port + offset)),
        pytest.raises(NotStartedError) as refused,
        local.running(port),
    ):
        pass
    assert f"Port {port + offset} cannot be used" in str(refused.value)
    assert "make up PORT=" in str(refused.value)


def test_a_missing_node_js_is_an_error_message_without_a_traceback(tmp_path: Path) -> None:
    with run(free_ports(), env={**os.environ, "PATH": str(tmp_path)}) as sandbox:
        _, errors = sandbox.communicate(timeout=60)
    assert sandbox.returncode == 1
    assert "Node.js is missing" in errors
    assert "Traceback" not in errors


@linux
def test_a_killed_emulator_ends_the_sandbox_with_a_message_how_to_restart(tmp_path: Path) -> None:
    port = free_ports()
    with run(port, "--watch", env={**os.environ, "TMPDIR": str(tmp_path)}) as sandbox:
        assert sandbox.stdout
        next(line for line in sandbox.stdout if "go live at once" in line)
        (emulator,) = children(sandbox.pid)
        os.kill(emulator, signal.SIGKILL)
        _, errors = sandbox.communicate(timeout=60)
    assert sandbox.returncode == 1
    assert errors.splitlines() == [
        "",
        "The emulated AWS was killed (SIGKILL).",
        f"The sandbox is stopped; all accounts in it are gone. Start it again: make dev PORT={port}",
    ]
    assert list(tmp_path.iterdir()) == []


@linux
def test_an_emulator_killed_during_the_start_is_reported() -> None:
    with run(free_ports()) as sandbox:
        assert sandbox.stdout
        next(line for line in sandbox.stdout if "emulated AWS" in line)
        (emulator,) = children(sandbox.pid)
        os.kill(emulator, signal.SIGKILL)
        _, errors = sandbox.communicate(timeout=60)
    assert "could not start: The emulated AWS was killed (SIGKILL)." in errors
    assert "Traceback" not in errors


def test_each_background_thread_of_the_sandbox_is_watched(sandbox: local.Sandbox, tmp_path: Path) -> None:
    with (
        terminal.show_output(sandbox.aws, sandbox.output, print),
        live.apply_saved_files(lambda: tmp_path, list, print),
    ):
        assert THREADS.keys() <= {thread.name for thread in threading.enumerate()}


def test_a_thread_that_ends_is_reported_by_name() -> None:
    over = threading.Event()
    threading.Thread(target=over.wait, args=[20], name="well", daemon=True).start()
    try:
        assert wait_for_end(lambda: "", {"well": "One", "ends": "Another"}) == "Another has ended; the error is above."
    finally:
        over.set()


END = """
import signal
from sandbox.__main__ import end_on_signals

end_on_signals()
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    try:
        signal.raise_signal(signal.Signals[name])
    except KeyboardInterrupt:
        print(name)
"""


@pytest.fixture(scope="module")
def ending() -> list[str]:
    """The signals that end a sandbox which a script starts with SIGINT ignored."""
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-c", END]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout.split()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_sandbox_that_was_started_with_sigint_ignored(name: str, ending: list[str]) -> None:
    assert name in ending


def test_under_nohup_the_sandbox_survives_a_closed_terminal() -> None:
    code = "import signal; from sandbox.__main__ import end_on_signals; end_on_signals(); signal.raise_signal(1)"
    command = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", sys.executable, "-c", code]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60).returncode == 0


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("Pulumi.local.yaml", b"config:\n  aws:region: x\n\ty: z\n", "Pulumi.local.yaml, line 3 is not valid YAML: "),
        ("Pulumi.local.yaml", b"config:\n", "Pulumi.local.yaml has no settings under `config`"),
        ("Pulumi.local.yaml", b"", "Pulumi.local.yaml has no keys with values"),
        ("Pulumi.local.yaml", b"config: \xff", "Pulumi.local.yaml is not UTF-8: byte 9"),
        ("Pulumi.local.yaml", b"config: \x00", "Pulumi.local.yaml is not valid YAML: "),
        ("Pulumi.local.yaml", None, "Pulumi.local.yaml cannot be read: No such file"),
        ("Pulumi.yaml", b"config: [", "Pulumi.yaml, line 1 is not valid YAML: "),
    ],
)
def test_an_invalid_settings_file_is_a_readable_error(
    name: str, content: bytes | None, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in ("Pulumi.yaml", "Pulumi.local.yaml"):
        shutil.copy(ROOT / file, tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(program, "ROOT", tmp_path)
    with pytest.raises(NotStartedError) as refused, local.running(free_ports()):
        pass
    assert str(refused.value).startswith(reason)
    assert "\n" not in str(refused.value)


def test_a_login_without_an_origin_returns_to_the_sandbox(sandbox: local.Sandbox) -> None:
    begun = requests.get(f"{sandbox.site}/api/auth/login?provider=Kakao", allow_redirects=False, timeout=60)
    query = parse_qs(urlsplit(begun.headers["Location"]).query)
    assert query["redirect_uri"] == [f"{sandbox.site}/api/auth/callback"]
    assert sandbox.exports["siteUrl"] == sandbox.site
    assert sandbox.exports["websocketUrl"] == f"{sandbox.site.replace('http', 'ws')}/ws"


def test_all_ports_follow_the_chosen_port() -> None:
    config = local.settings(4000)
    assert config[own("siteUrl")] == "http://localhost:4000"
    assert config[own("hostedLoginUrl")] == "http://127.0.0.1:4001"
    assert config[own("kakaoIssuer")] == "http://127.0.0.1:4002"
    assert set(config["aws:endpoints"][0].values()) == {"http://127.0.0.1:4003"}
    assert ":300" not in repr(config)


INTERRUPTED = """
import threading
from pathlib import Path
from sandbox import {module}

start = threading.Thread.start

def interrupted(thread):
    start(thread)
    raise KeyboardInterrupt

threading.Thread.start = interrupted
with {block}:
    pass
"""


@pytest.mark.parametrize(
    ("module", "block"),
    [
        ("kakao", 'kakao.serve(0, kakao.KakaoApp("key", "secret", 1, ()), {})'),
        ("live", 'live.apply_saved_files(lambda: Path("client"), list, print)'),
        ("terminal", 'terminal.show_output("http://127.0.0.1:1", Path("/dev/null"), print)'),
    ],
    ids=["kakao", "live", "terminal"],
)
def test_an_interrupt_while_a_thread_starts_ends_the_process(module: str, block: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED.format(module=module, block=block)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "KeyboardInterrupt" in ended.stderr
