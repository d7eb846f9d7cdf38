"""Writes the output and the exceptions of a function to the file SANDBOX_OUTPUT, as Lambda's runtime writes to a log.

The emulator's runtime does not. Python imports a module of this name at its start if it is on PYTHONPATH. The file gets
what a function prints, log lines, each exception, and the line at which a call reaches its time limit. A log line below
a warning is shown where a file of the team's wrote it: the login logs each request.
"""

import contextlib
import importlib
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from io import TextIOBase
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, TextIO

STANDARD_FIELDS = vars(logging.makeLogRecord({}))
MARGIN_SECONDS = 0.2  # before the limit, at which the emulator kills the process


class Output(TextIOBase):
    """A stream that also writes its lines to a file, each after the name of the function."""

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream` as well."""
        self._function = os.environ["AWS_LAMBDA_FUNCTION_NAME"].rpartition("-")[0]
        self._file = os.open(os.environ["SANDBOX_OUTPUT"], os.O_WRONLY | os.O_APPEND)
        self._stream, self._unfinished = stream, ""

    def write(self, text: str) -> int:
        """Write whole lines only: functions share the file."""
        *lines, self._unfinished = (self._unfinished + text).split("\n")
        for line in lines:
            os.write(self._file, f"{self._function}: {line}\n".encode(errors="replace"))
        return self._stream.write(text)


class Lines(logging.Handler):
    """Prints a log record with its extra fields, and the exception of an error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        if record.levelno < logging.WARNING and not is_of_the_team(record.pathname):
            return
        extra = [
            f"{key}={value}" for key, value in vars(record).items() if key not in STANDARD_FIELDS and key != "message"
        ]
        print(record.levelname, record.getMessage(), *extra, file=sys.stderr)
        _, error, _ = record.exc_info or sys.exc_info()
        if error and record.levelno >= logging.ERROR:
            print_exception(error)


def task_root() -> str:
    """Return the folder of the function's own files, with a separator at its end."""
    return os.environ["LAMBDA_TASK_ROOT"] + os.sep


def is_of_the_team(file: str) -> bool:
    """Return whether it is one of the function's own files, and none of the login's."""
    return file.startswith(task_root()) and not file.startswith(f"{task_root()}handlers{os.sep}")


def print_frames(frames: traceback.StackSummary) -> None:
    """Print the frames in the function's own files."""
    for frame in frames:
        if frame.filename.startswith(task_root()):
            print(f"  {frame.filename.removeprefix(task_root())}:{frame.lineno}: {frame.line}", file=sys.stderr)


def print_exception(error: BaseException) -> None:
    """Print an exception with its frames in the function's own files."""
    print_frames(traceback.extract_tb(error.__traceback__))
    print(*traceback.format_exception_only(error), sep="", end="", file=sys.stderr)


@contextlib.contextmanager
def exceptions_printed() -> Iterator[None]:
    """Print an exception, and raise it again."""
    try:
        yield
    except Exception as error:
        print_exception(error)
        raise


@contextlib.contextmanager
def timeout_printed(milliseconds: int) -> Iterator[None]:
    """Print where the block is, if it takes so long that the emulator is about to kill it."""
    thread = threading.get_ident()

    def print_timeout() -> None:
        frame: FrameType | None = sys._current_frames().get(thread)
        print_frames(traceback.extract_stack(frame))
        print(f"Task timed out after {os.environ['_LAMBDA_TIMEOUT']} seconds", file=sys.stderr)

    timer = threading.Timer(max(milliseconds / 1000 - MARGIN_SECONDS, 0), print_timeout)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def install() -> None:
    """Wrap the import of the handler's module and each call, and write output and log lines to the file."""
    import_module = importlib.import_module

    def import_handler(name: str, package: str | None = None) -> ModuleType:
        if not Path(f"{task_root()}{name.replace('.', os.sep)}.py").is_file():
            return import_module(name, package)
        importlib.import_module = import_module
        with exceptions_printed():
            module = import_module(name, package)
            handler = module.handler

        def call(event: object, context: Any) -> object:
            with exceptions_printed(), timeout_printed(context.get_remaining_time_in_millis()):
                return handler(event, context)

        module.handler = call  # type: ignore[attr-defined]
        return module

    importlib.import_module = import_handler
    sys.stderr = Output(sys.stderr)
    logging.getLogger().addHandler(Lines())
    logging.getLogger().setLevel(logging.INFO)  # that of the functions' LoggingConfig


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    install()
