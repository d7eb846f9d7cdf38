"""What the terminal shows while the sandbox runs: mails that people would get, and what functions say."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sandbox.mail import mails

SECONDS_BETWEEN_LOOKS = 0.5


@contextmanager
def shown(aws: str, output: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Say each mail as it is sent, and each line that is added to `output`, until the block ends."""
    ended = threading.Event()

    def watch() -> None:
        said = 0
        with output.open() as lines:
            while not ended.wait(SECONDS_BETWEEN_LOOKS):
                for line in lines:
                    say(f"  {line.rstrip()}")
                with suppress(OSError):  # a busy emulator is asked again
                    sent = mails(aws)
                    for mail in sent[said:]:
                        say(f"  mail to {mail.to}: {mail.text}")
                    said = len(sent)

    thread = threading.Thread(target=watch, name="terminal", daemon=True)  # Ctrl-C may come before anybody waits for it
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
