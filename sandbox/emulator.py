"""The emulated AWS (ministack) as a child process; what it writes is in one folder, which goes when it goes."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY_SECONDS = 20


class NotStartedError(Exception):
    """A part of the sandbox cannot start; the message says what to do."""


@contextmanager
def emulated_aws(port: int, region: str = "ap-northeast-2") -> Iterator[str]:
    """Run an empty AWS account on 127.0.0.1 and give its address; nothing of it is left when the block ends.

    Raises NotStartedError where Node.js is missing, the port is taken, or it does not become ready.
    """
    if not shutil.which("node"):
        raise NotStartedError("Node.js is missing; CloudFront functions run with it here. Install version 18 or newer.")
    check_free(port)
    with tempfile.TemporaryDirectory(prefix="kakao-login-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            emulator = subprocess.Popen(
                [sys.executable, "-m", "ministack"],
                env=_environment(port, region, folder),
                cwd=folder,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is ours to handle, and its workers are one group with it
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(emulator, f"{url}/_ministack/ready", log)
            yield url
        finally:
            os.killpg(emulator.pid, signal.SIGKILL)  # it has nothing to save, and would take two seconds to go
            emulator.wait()


def check_free(port: int) -> None:
    """Raise NotStartedError where somebody listens on this port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            advice = "Stop what uses it, or take other ports: make up PORT=4000"
            raise NotStartedError(f"Port {port} cannot be used: {error.strerror}. {advice}") from None


def _environment(port: int, region: str, folder: str) -> dict[str, str]:
    """The caller's environment without its AWS settings, so that nothing in it can lead to a real account."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return inherited | {
        "AUTH": "true",  # roles, codes and flows are enforced
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        "MINISTACK_REGION": region,
        "PYTHONDONTWRITEBYTECODE": "1",
        "SFTP_ENABLED": "0",
        "STATE_DIR": f"{folder}/state",
        "TMPDIR": folder,
    }


def _wait(emulator: subprocess.Popen[bytes], ready: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while emulator.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(ready, timeout=1):  # noqa: S310
                return
        except OSError:
            time.sleep(0.02)
    raise NotStartedError(f"The emulated AWS did not start:\n{log.read_text(errors='replace')[-2000:]}")
