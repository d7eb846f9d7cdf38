"""A sign-in at Cognito's classic hosted login, as a browser without JavaScript sends it."""

import html
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

TIMEOUT_SECONDS = 10
MAX_HOPS = 12
TAG_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


class UnexpectedPageError(Exception):
    """The hosted login shows an unexpected page. The text repeats no value of the page."""


class Form(NamedTuple):
    """The action of a form, its hidden fields, and the names of the fields that a user fills in."""

    action: str
    hidden: dict[str, str]
    inputs: frozenset[str]


def sign_in(url: str, callback: str, user: dict[str, str], reachable: Callable[[str], str]) -> dict[str, str]:
    """Follow `url`, fill in each form with `user`, and return the query with which `callback` is reached."""
    with requests.Session() as browser:
        answer = browser.get(reachable(url), timeout=TIMEOUT_SECONDS, allow_redirects=False)
        for _ in range(MAX_HOPS):
            if answer.is_redirect:
                target = urljoin(answer.url, answer.headers["Location"])
                if target.startswith(callback):
                    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
                answer = browser.get(reachable(target), timeout=TIMEOUT_SECONDS, allow_redirects=False)
            else:
                form = password_form(answer)
                action = reachable(urljoin(answer.url, form.action))
                answer = browser.post(action, data=form.hidden | user, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    raise UnexpectedPageError(f"the sign-in has more than {MAX_HOPS} redirects and forms")


def password_form(page: requests.Response) -> Form:
    """Return the first form of a page that asks for a password. Raises UnexpectedPageError without one."""
    for attributes, body in re.findall(r"<form\b([^>]*)>(.*?)</form>", page.text, re.DOTALL | re.IGNORECASE):
        fields = [_attributes(tag) for tag in re.findall(r"<input\b[^>]*>", body, re.IGNORECASE)]
        if any(field.get("type") == "password" for field in fields):
            named = [field for field in fields if field.get("name")]
            hidden = {field["name"]: field.get("value", "") for field in named if field.get("type") == "hidden"}
            inputs = {field["name"] for field in named} - hidden.keys()
            return Form(_attributes(attributes).get("action", ""), hidden, frozenset(inputs))
    where = f"{urlsplit(page.url).path} (status {page.status_code})"
    raise UnexpectedPageError(f"there is no password form at {where}")


def _attributes(tag: str) -> dict[str, str]:
    return {name.lower(): html.unescape(value) for name, value in TAG_ATTRIBUTE.findall(tag)}
