"""The mails that Cognito would send."""

import json
import re
from html import unescape
from typing import NamedTuple
from urllib.request import ProxyHandler, build_opener

_opener = build_opener(ProxyHandler({}))  # without a proxy: the emulator is on this machine


class Mail(NamedTuple):
    """A mail, such as one with a code."""

    to: str
    text: str
    subject: str = ""


def mails(aws: str) -> list[Mail]:
    """Return the mails of the emulated AWS since its start, the oldest first."""
    with _opener.open(f"{aws}/_ministack/ses/messages", timeout=5) as answer:
        by_account = json.load(answer)["messages"]
    return [
        Mail(sent["To"][0], sent["BodyText"] or as_text(sent["BodyHtml"]), sent["Subject"])
        for account in by_account.values()
        for sent in account
    ]


def as_text(html: str) -> str:
    """Return the text of a mail's HTML, as a mail program shows it."""
    lines = re.sub(r"<br>|</p>", "\n", html).splitlines()
    return "\n".join(line for line in (unescape(re.sub(r"<[^>]*>", "", line)).strip() for line in lines) if line)
