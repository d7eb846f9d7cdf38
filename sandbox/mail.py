"""The mails that Cognito would send: who they are for, and what they say."""

import json
import re
from html import unescape
from typing import NamedTuple
from urllib.request import ProxyHandler, build_opener

_opener = build_opener(ProxyHandler({}))  # on this machine, so through no proxy


class Mail(NamedTuple):
    """One mail, such as the one with a code."""

    to: str
    text: str
    subject: str = ""


def mails(aws: str) -> list[Mail]:
    """Return what the emulated AWS has sent since its start, the oldest first."""
    with _opener.open(f"{aws}/_ministack/ses/messages", timeout=5) as answer:
        by_account = json.load(answer)["messages"]
    return [
        Mail(sent["To"][0], sent["BodyText"] or as_text(sent["BodyHtml"]), sent["Subject"])
        for account in by_account.values()
        for sent in account
    ]


def as_text(html: str) -> str:
    """Return what a mail program shows of a mail's HTML, a line for each line."""
    lines = re.sub(r"<br>|</p>", "\n", html).splitlines()
    return "\n".join(line for line in (unescape(re.sub(r"<[^>]*>", "", line)).strip() for line in lines) if line)
