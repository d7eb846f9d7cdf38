"""The emulated AWS (ministack) as a child process; what it writes is in one folder, which goes when it goes."""

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

READY_SECONDS = 20
INHERITED = ("PATH", "LD_LIBRARY_PATH")
OUTPUT = "output"
LOG = "log"


class NotStartedError(Exception):
    """A part of the sandbox cannot start; the message says what to do."""


@dataclass(frozen=True)
class Emulator:
    """Where the emulated AWS answers, its process (which leads a group with its workers), and all that it writes."""

    url: str
    process: int
    folder: Path
    poll: Callable[[], int | None]  # returns the exit status of the process, None while it runs

    @property
    def output(self) -> Path:
        """The file to which functions add what they print and how they fail."""
        return self.folder / OUTPUT

    def death(self) -> str:
        """Return how the process ended, as a sentence; an empty text while it runs."""
        match self.poll():
            case None:
                return ""
            case status if status < 0:
                return f"The emulated AWS was killed ({signal.Signals(-status).name})."
            case status:
                return f"The emulated AWS ended by itself (status {status}):\n{_tail(self.folder / LOG)}"


@contextmanager
def emulated_aws(port: int, region: str = "ap-northeast-2") -> Iterator[Emulator]:
    """Run an empty AWS account on 127.0.0.1; nothing of it is left when the block ends.

    Raises NotStartedError where Node.js is missing, the port is taken, or it does not become ready.
    """
    if not shutil.which("node"):
        raise NotStartedError("Node.js is missing; CloudFront functions run with it here. Install version 18 or newer.")
    check_free(port)
    with tempfile.TemporaryDirectory(prefix="kakao-login-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / LOG
        (Path(folder) / OUTPUT).touch()
        with log.open("wb") as output:
            emulator = subprocess.Popen(  # noqa: S603 - nobody else has a word in it
                [*_bound_to_us(), sys.executable, "-m", "ministack"],
                env=_environment(port, region, folder),
                cwd=folder,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is ours to handle, and its workers are one group with it
            )
        try:
            _wait(emulator, port, log)
            running = Emulator(f"http://127.0.0.1:{port}", emulator.pid, Path(folder), emulator.poll)
            try:
                yield running
            except NotStartedError as error:  # what asked it for something could not know why nobody answers
                if death := running.death():
                    raise NotStartedError(death) from error
                raise
        finally:
            with suppress(ProcessLookupError):  # it may have ended by itself
                os.killpg(emulator.pid, signal.SIGKILL)  # it has nothing to save, and would take two seconds to go
            emulator.wait()


def check_free(port: int) -> None:
    """Raise NotStartedError where somebody listens on this port already, at either address of localhost."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:
            if error.errno in (EADDRNOTAVAIL, EAFNOSUPPORT):  # a machine without IPv6
                continue
            advice = "Stop what uses it, or take other ports: make up PORT=4000"
            raise NotStartedError(f"Port {port} cannot be used: {error.strerror}. {advice}") from None


def _bound_to_us() -> list[str]:
    """Return what makes Linux end the command when the thread that started it is gone, even by SIGKILL."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _environment(port: int, region: str, folder: str) -> dict[str, str]:
    """Only what is needed: Lambdas see all of it, and nothing may lead to a proxy or a real account."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return inherited | {
        "AUTH": "true",  # roles, codes and flows are enforced
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        "MINISTACK_REGION": region,
        "PYTHONPATH": str(Path(__file__).parent / "function_runtime"),  # of which functions alone take note
        "SANDBOX_OUTPUT": f"{folder}/{OUTPUT}",
        "SFTP_ENABLED": "0",
        "STATE_DIR": f"{folder}/state",
        "TMPDIR": folder,
    }


def _wait(emulator: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while emulator.poll() is None and time.monotonic() < deadline:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=1)) as connection:  # through no proxy
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
