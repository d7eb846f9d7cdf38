"""What Lambda's own runtime does around a handler and the emulator's does not: it tells how the handler fails.

Python imports a module of this name as it starts, where it is on PYTHONPATH. In a function it adds what is printed, or
logged from a warning up, and each exception to the file that SANDBOX_OUTPUT names, even where the emulator keeps none.
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

USUAL = vars(logging.makeLogRecord({}))


class Output(TextIOBase):
    """A stream whose lines go to a file too, each after the name of the function."""

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream` too."""
        self._function = os.environ["AWS_LAMBDA_FUNCTION_NAME"].rpartition("-")[0]
        self._file = os.open(os.environ["SANDBOX_OUTPUT"], os.O_WRONLY | os.O_APPEND)
        self._stream, self._begun = stream, ""

    def write(self, text: str) -> int:
        """Take text as it comes, and write a line once it has ended: functions share the file."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            os.write(self._file, f"{self._function}: {line}\n".encode(errors="replace"))
        return self._stream.write(text)


class Lines(logging.Handler):
    """Prints a record with what was given beside its message, and an error's exception even where it keeps silent."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        extra = [f"{key}={value}" for key, value in vars(record).items() if key not in USUAL and key != "message"]
        print(record.levelname, record.getMessage(), *extra, file=sys.stderr)
        _, error, _ = record.exc_info or sys.exc_info()
        if error and record.levelno >= logging.ERROR:
            tell(error)


def tell(error: BaseException) -> None:
    """Print where in the function's own files an exception passed, and what it says."""
    root = os.environ["LAMBDA_TASK_ROOT"] + os.sep
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith(root):
            print(f"  {frame.filename.removeprefix(root)}:{frame.lineno}: {frame.line}", file=sys.stderr)
    print(*traceback.format_exception_only(error), sep="", end="", file=sys.stderr)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Tell of an exception on its way out."""
    try:
        yield
    except Exception as error:
        tell(error)
        raise


def install() -> None:
    """Tell of the handler's module as the worker imports it, of each call, and of all that they print and log."""
    import_module = importlib.import_module

    def imported(name: str, package: str | None = None) -> ModuleType:
        if not name.startswith("handlers."):
            return import_module(name, package)
        with told():
            module = import_module(name)
        module.handler = told()(module.handler)  # type: ignore[attr-defined]
        return module

    importlib.import_module = imported
    sys.stderr = Output(sys.stderr)
    logging.getLogger().addHandler(Lines())


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    install()
