"""Writes the output and the exceptions of a function to the file SANDBOX_OUTPUT, as Lambda's runtime writes to a log.

The emulator's runtime does not. Python imports a module of this name at its start if it is on PYTHONPATH. The file gets
what a function prints, log lines from warning up, and each exception.
"""

import contextlib
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from io import TextIOBase
from types import ModuleType
from typing import TextIO

STANDARD_FIELDS = vars(logging.makeLogRecord({}))


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
        extra = [
            f"{key}={value}" for key, value in vars(record).items() if key not in STANDARD_FIELDS and key != "message"
        ]
        print(record.levelname, record.getMessage(), *extra, file=sys.stderr)
        _, error, _ = record.exc_info or sys.exc_info()
        if error and record.levelno >= logging.ERROR:
            print_exception(error)


def print_exception(error: BaseException) -> None:
    """Print an exception with its frames in the function's own files."""
    root = os.environ["LAMBDA_TASK_ROOT"] + os.sep
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith(root):
            print(f"  {frame.filename.removeprefix(root)}:{frame.lineno}: {frame.line}", file=sys.stderr)
    print(*traceback.format_exception_only(error), sep="", end="", file=sys.stderr)


@contextlib.contextmanager
def exceptions_printed() -> Iterator[None]:
    """Print an exception, and raise it again."""
    try:
        yield
    except Exception as error:
        print_exception(error)
        raise


def install() -> None:
    """Wrap the import of the handler's module and each call, and write output and log lines to the file."""
    import_module = importlib.import_module

    def import_handler(name: str, package: str | None = None) -> ModuleType:
        if not name.startswith("handlers."):
            return import_module(name, package)
        with exceptions_printed():
            module = import_module(name)
        module.handler = exceptions_printed()(module.handler)  # type: ignore[attr-defined]
        return module

    importlib.import_module = import_handler
    sys.stderr = Output(sys.stderr)
    logging.getLogger().addHandler(Lines())


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    install()
