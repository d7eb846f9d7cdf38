"""The terminal while the sandbox runs: mails to users, and the output of functions."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

from sandbox.mail import mails

POLL_SECONDS = 0.5
MAX_SILENCE_SECONDS = 15
SILENT = "  the emulated AWS has not answered for {} s; if this goes on, press Ctrl-C and start the sandbox again"


@contextmanager
def show_output(aws: str, output: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Show each mail and each new line of `output` until the block ends."""
    ended = threading.Event()

    def watch() -> None:
        said, answered, silent = 0, time.monotonic(), False
        with output.open(encoding="utf-8", errors="replace") as lines:
            while not ended.wait(POLL_SECONDS):
                for line in lines:
                    say(f"  {line.rstrip()}")
                try:
                    sent = mails(aws)
                except (OSError, HTTPException):  # the emulator is busy: ask again
                    if not silent and time.monotonic() - answered > MAX_SILENCE_SECONDS:
                        say(SILENT.format(MAX_SILENCE_SECONDS))
                        silent = True
                    continue
                answered, silent = time.monotonic(), False
                for mail in sent[said:]:
                    say(f"  mail to {mail.to}: {mail.subject}")
                    for line in mail.text.splitlines():
                        say(f"    {line}")
                said = len(sent)

    thread = threading.Thread(target=watch, name="terminal", daemon=True)  # Ctrl-C may come before the join
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
