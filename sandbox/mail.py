"""The mails that Cognito would send: who they are for, and what they say."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple
from urllib.request import ProxyHandler, build_opener

SECONDS_BETWEEN_LOOKS = 0.5

_opener = build_opener(ProxyHandler({}))  # on this machine, so through no proxy


class Mail(NamedTuple):
    """One mail, such as the one with a code."""

    to: str
    text: str


def mails(aws: str) -> list[Mail]:
    """Return what the emulated AWS has sent since its start, the oldest first."""
    with _opener.open(f"{aws}/_ministack/ses/messages", timeout=5) as answer:
        by_account = json.load(answer)["messages"]
    return [Mail(sent["To"][0], sent["BodyText"]) for account in by_account.values() for sent in account]


@contextmanager
def announced(aws: str, say: Callable[[str], None]) -> Iterator[None]:
    """Say each mail as it is sent, until the block ends."""
    ended = threading.Event()

    def watch() -> None:
        said = 0
        while not ended.wait(SECONDS_BETWEEN_LOOKS):
            with suppress(OSError):  # a busy emulator is asked again
                sent = mails(aws)
                for mail in sent[said:]:
                    say(f"  mail to {mail.to}: {mail.text}")
                said = len(sent)

    thread = threading.Thread(target=watch, name="mail")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
