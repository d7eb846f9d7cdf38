"""The pages that a user sees at the stand-in."""

from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template

from aiohttp import web

from sandbox.kakao.consents import CONSENT_ITEMS
from sandbox.kakao.oauth import AuthorizationRequest, KakaoApp
from sandbox.kakao.people import Person

STYLESHEET = Path(__file__).parent / "static" / "page.css"
STYLESHEET_PATH = "/static/page.css"
HEADERS = {
    # No form-action: Chromium holds each redirect after the form against it, up to the site of the app.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

LOGO = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 4C6.9 4 3 7.1 3 10.9c0 2.5 1.7 4.6'
    ' 4.2 5.8l-.8 3.1c-.1.4.3.6.6.4l3.7-2.4 1.3.1c5.1 0 9-3.2 9-7S17.1 4 12 4Z"/></svg>'
)
# Each value is HTML: `escape` every text before it gets here.
PAGE = Template("""<!doctype html>
<html lang="ko">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light">
<title>$title · 카카오 모의 서버 (테스트)</title>
<link rel="stylesheet" href="$stylesheet">
<header>
  $logo
  <p>카카오 모의 서버 (테스트)</p>
</header>
<main>
$main
</main>
</html>
""")
CONSENT = Template("""<h1>$title</h1>
<p class="lead">앱 $app_id에 로그인합니다. 실제 카카오가 아니므로 비밀번호를 묻지 않습니다.</p>
<form method="post" action="$action">
  <fieldset>
    <legend>누구로 로그인할까요?</legend>
$people
  </fieldset>
$consents
$terms
  <button name="decision" value="agree">동의하고 계속하기</button>
  <button name="decision" value="cancel">취소</button>
</form>""")
PERSON = Template("""    <label>
      <input type="radio" name="person" value="$id"$checked>
      <span><strong>$nickname</strong> <small>$email</small></span>
    </label>""")
CONSENTS = Template("""  <fieldset>
    <legend>동의 항목</legend>
$items
  </fieldset>""")
ITEM = Template("""    <label>
      <input type="checkbox" name="consent" value="$scope" checked>
      <span><strong>$label</strong> <small>선택</small></span>
    </label>""")
TERMS = Template("""  <fieldset>
    <legend>서비스 약관</legend>
$terms
  </fieldset>""")
TERM = Template("""    <label>
      <input type="checkbox" name="terms" value="$tag" checked>
      <span><strong>$tag</strong> <small>$kind</small></span>
    </label>""")
ERROR = Template("""<h1>잘못된 요청 ($code)</h1>
<p class="lead">$advice</p>
$detail""")


def consent_page(
    action: str, app: KakaoApp, asked: AuthorizationRequest, *, people: Iterable[Person], selected: Person
) -> web.Response:
    """Return the page on which a user signs in and agrees; its form goes to `action`."""
    items = "\n".join(
        ITEM.substitute(scope=escape(scope), label=escape(_label(scope))) for scope in asked.consent_items
    )
    terms = "\n".join(
        TERM.substitute(tag=escape(tag), kind="필수" if tag in app.required_terms else "선택")
        for tag in asked.service_terms
    )
    return _page(
        "카카오 로그인",
        CONSENT.substitute(
            title="카카오계정 가입" if "create" in asked.prompts else "카카오 로그인",
            app_id=app.app_id,
            action=escape(action),
            people="\n".join(_person(person, selected=person == selected) for person in people),
            consents=CONSENTS.substitute(items=items) if items else "",
            terms=TERMS.substitute(terms=terms) if terms else "",
        ),
    )


def error_page(status: int, code: str, advice: str, detail: str) -> web.Response:
    """Return the page for a refusal that stays at Kakao; `detail` is the value that was wrong."""
    received = f"<p>받은 값: <code>{escape(detail)}</code></p>" if detail else ""
    return _page(code, ERROR.substitute(code=code, advice=escape(advice), detail=received), status)


def _page(title: str, main: str, status: int = 200) -> web.Response:
    html = PAGE.substitute(title=title, main=main, stylesheet=STYLESHEET_PATH, logo=LOGO)
    return web.Response(status=status, text=html, content_type="text/html", headers=HEADERS)


def _person(person: Person, *, selected: bool) -> str:
    unverified = " · 미인증" if person.email and not person.email_verified else ""
    return PERSON.substitute(
        id=person.id,
        checked=" checked" if selected else "",
        nickname=escape(person.nickname),
        email=escape(person.email or "이메일 없음") + unverified,
    )


def _label(scope: str) -> str:
    return CONSENT_ITEMS[scope].label if scope in CONSENT_ITEMS else scope
