"""The emulated AWS (ministack) as a child process. All its files are in one folder, which is deleted at the end."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from errno import EADDRNOTAVAIL, EAFNOSUPPORT
from pathlib import Path

START_TIMEOUT_SECONDS = 60
INHERITED = ("PATH", "LD_LIBRARY_PATH")
OUTPUT = "output"
LOG = "log"


class NotStartedError(Exception):
    """A part of the sandbox cannot start. The message says what to do."""


@dataclass(frozen=True)
class Emulator:
    """The emulated AWS: its address, its process with a process group for its workers, and the folder of its files."""

    url: str
    process: int
    folder: Path
    poll: Callable[[], int | None]  # returns the exit status of the process, None while it runs

    @property
    def output(self) -> Path:
        """The file of the functions' output and errors."""
        return self.folder / OUTPUT

    def end_reason(self) -> str:
        """Return how the process ended, or an empty text while it runs."""
        match self.poll():
            case None:
                return ""
            case status if status < 0:
                return f"The emulated AWS was killed ({signal.Signals(-status).name})."
            case status:
                return f"The emulated AWS ended (status {status}):\n{_tail(self.folder / LOG)}"


@contextmanager
def emulated_aws(port: int, region: str = "ap-northeast-2") -> Iterator[Emulator]:
    """Run an empty AWS account on 127.0.0.1, and remove it when the block ends.

    Raises NotStartedError where Node.js is missing, the port is taken, or the emulator does not start.
    """
    if not shutil.which("node"):
        raise NotStartedError(
            "Node.js is missing. The sandbox runs CloudFront functions with it. Install version 18 or newer."
        )
    check_free(port)
    with tempfile.TemporaryDirectory(prefix="kakao-login-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / LOG
        (Path(folder) / OUTPUT).touch()
        with log.open("wb") as output:
            emulator = subprocess.Popen(  # noqa: S603 - a fixed command
                [*_end_with_parent(), sys.executable, "-m", "ministack"],
                env=_environment(port, region, folder),
                cwd=folder,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C must not reach it, and its workers get its process group
            )
        try:
            _wait(emulator, port, log)
            running = Emulator(f"http://127.0.0.1:{port}", emulator.pid, Path(folder), emulator.poll)
            try:
                yield running
            except NotStartedError as error:  # a request failed because the emulator has ended
                if end_reason := running.end_reason():
                    raise NotStartedError(end_reason) from error
                raise
        finally:
            with suppress(ProcessLookupError):  # it may have ended already
                os.killpg(emulator.pid, signal.SIGKILL)  # it has nothing to save; SIGTERM takes two seconds
            emulator.wait()


def check_free(port: int) -> None:
    """Raise NotStartedError where the port is taken at 127.0.0.1 or ::1."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:
            if error.errno in (EADDRNOTAVAIL, EAFNOSUPPORT):  # a machine without IPv6
                continue
            advice = "Stop the program that uses it, or choose other ports: make up PORT=4000"
            raise NotStartedError(f"Port {port} cannot be used: {error.strerror}. {advice}") from None


def _end_with_parent() -> list[str]:
    """Return the prefix with which Linux kills a command when its parent thread ends, even by SIGKILL (prctl)."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _environment(port: int, region: str, folder: str) -> dict[str, str]:
    """Return the least that is needed: Lambdas see all of it, and no proxy or real account may be reachable."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return inherited | {
        "AUTH": "true",  # ministack enforces roles, codes and flows
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        "MINISTACK_REGION": region,
        "PYTHONPATH": str(Path(__file__).parent / "function_runtime"),  # see sitecustomize.py there
        "SANDBOX_OUTPUT": f"{folder}/{OUTPUT}",
        "SFTP_ENABLED": "0",
        "STATE_DIR": f"{folder}/state",
        "TMPDIR": folder,
    }


def _wait(emulator: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while emulator.poll() is None and time.monotonic() < deadline:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=1)) as connection:  # without a proxy
            try:
                connection.request("GET", "/_ministack/ready")
                if connection.getresponse().status == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
        time.sleep(0.02)
    raise NotStartedError(f"The emulated AWS did not start:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
