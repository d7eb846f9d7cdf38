"""What the terminal shows while the sandbox runs: mails that people would get, and what functions say."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

from sandbox.mail import mails

SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_OF_SILENCE = 15
SILENT = "  the emulated AWS has not answered for {} s; if it stays so, end the sandbox with Ctrl-C and start it again"


@contextmanager
def shown(aws: str, output: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Say each mail as it is sent, and each line that is added to `output`, until the block ends."""
    ended = threading.Event()

    def watch() -> None:
        said, answered, silent = 0, time.monotonic(), False
        with output.open(encoding="utf-8", errors="replace") as lines:
            while not ended.wait(SECONDS_BETWEEN_LOOKS):
                for line in lines:
                    say(f"  {line.rstrip()}")
                try:
                    sent = mails(aws)
                except (OSError, HTTPException):  # a busy emulator is asked again
                    if not silent and time.monotonic() - answered > SECONDS_OF_SILENCE:
                        say(SILENT.format(SECONDS_OF_SILENCE))
                        silent = True
                    continue
                answered, silent = time.monotonic(), False
                for mail in sent[said:]:
                    say(f"  mail to {mail.to}: {mail.subject}")
                    for line in mail.text.splitlines():
                        say(f"    {line}")
                said = len(sent)

    thread = threading.Thread(target=watch, name="terminal", daemon=True)  # Ctrl-C may come before anybody waits for it
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
