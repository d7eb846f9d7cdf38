"""What a person reads when a sign-in did not work: in Korean and in English, with a way to try again.

The texts are fixed. Nothing that came in is repeated, because whoever wrote the link wrote that too.
"""

import re
from typing import NamedTuple

from handlers import web


class Page(NamedTuple):
    """One outcome: its status, and what to say of it."""

    status: int
    title: str
    korean: str
    english: str


PAGES = {
    "bad_link": Page(400, "잘못된 주소예요", "로그인 주소가 올바르지 않아요.", "This sign-in link is not valid."),
    "login_expired": Page(
        400,
        "로그인을 마치지 못했어요",
        "로그인이 오래 걸렸거나 이미 끝난 로그인이에요. 처음부터 다시 시도해 주세요.",
        "This sign-in took too long, or was finished before. Please start again.",
    ),
    "cancelled": Page(
        403,
        "로그인을 취소했어요",
        "언제든 다시 로그인할 수 있어요.",
        "You cancelled. You can sign in whenever you like.",
    ),
    "consent_missing": Page(
        403,
        "동의가 필요해요",
        "카카오에서 필요한 항목에 동의해야 로그인할 수 있어요.",
        "To sign in, please agree at Kakao to share what is required.",
    ),
    "unavailable": Page(
        502,
        "카카오에 연결하지 못했어요",
        "로그인 서비스나 카카오가 응답하지 않아요. 잠시 뒤에 다시 시도해 주세요.",
        "The sign-in service or Kakao is not available. Please try again in a moment.",
    ),
    "too_slow": Page(
        504,
        "카카오의 응답이 늦어요",
        "로그인 서비스나 카카오의 응답이 너무 늦어요. 잠시 뒤에 다시 시도해 주세요.",
        "The sign-in service or Kakao is too slow. Please try again in a moment.",
    ),
    "throttled": Page(
        429,
        "지금은 로그인이 몰려 있어요",
        "잠시 뒤에 다시 시도해 주세요.",
        "Many people are signing in right now. Please try again in a moment.",
    ),
    "token_too_large": Page(
        507,
        "로그인 정보가 너무 커요",
        "계정에 담긴 정보가 많아 로그인을 유지할 수 없어요. 다시 시도해도 같으니 서비스 운영자에게 알려 주세요.",
        "Your account holds too much to stay signed in here. Trying again does not help: please tell the operator.",
    ),
    "failed": Page(
        400,
        "로그인하지 못했어요",
        "알 수 없는 이유로 로그인하지 못했어요. 다시 시도해 주세요.",
        "Something went wrong while signing in. Please try again.",
    ),
    "unexpected": Page(
        500,
        "문제가 생겼어요",
        "로그인 서비스에 문제가 생겼어요. 잠시 뒤에 다시 시도해 주세요.",
        "The sign-in service has a problem. Please try again in a moment.",
    ),
}

# Cognito passes an OAuth error on, and says in the description what Kakao did. First match wins.
KINDS = [
    (r"access_denied", "", "cancelled"),
    (r"consent_required|interaction_required", "", "consent_missing"),
    (r"", r"attributes? required|attribute is required", "consent_missing"),
    (r"", r"time(d )?out", "too_slow"),
    (r"", r"error getting token|connection reset|jwks", "unavailable"),
    (r"server_error|temporarily_unavailable", "", "unavailable"),
]


def kind_of(error: str, description: str) -> str:
    """Return which page tells of an OAuth error (RFC 6749 section 4.1.2.1) and Cognito's description of it."""
    for error_pattern, description_pattern, kind in KINDS:
        if re.fullmatch(error_pattern or ".*", error) and re.search(description_pattern, description, re.IGNORECASE):
            return kind
    return "failed"


def error(kind: str) -> web.Answer:
    """Answer with the page of this kind."""
    page = PAGES[kind]
    headers = {"retry-after": "5"} if page.status == 429 else {}
    return web.html_answer(page.status, _html(page), headers=headers)


def _html(page: Page) -> str:
    return f"""<!doctype html>
<html lang="ko">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{page.title}</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/favicon.svg">
</head>
<body>
<main class="card">
<h1>{page.title}</h1>
<p>{page.korean}</p>
<p lang="en">{page.english}</p>
<a class="button" href="/">다시 시도&nbsp;·&nbsp;<span lang="en">Try again</span></a>
</main>
</body>
</html>
"""
