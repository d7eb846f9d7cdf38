"""The pages that a user sees when a sign-in fails: in Korean and in English, with a link to try again.

The texts are fixed. A page repeats nothing of the request, because the author of a link chooses the request too.
"""

import re
from typing import NamedTuple

from handlers import error_page, web


class Page(NamedTuple):
    """One outcome: its status, and what the page says.

    `cause` is for the log: the sign-in is set up wrongly, and only the team can change that.
    """

    status: int
    title: str
    korean: str
    english: str
    cause: str = ""


CONTACT = "계속되면 서비스 담당자에게 알려 주세요."
CONTACT_ENGLISH = "If it goes on, please tell the people who run this service."


PAGES = {
    "bad_link": Page(400, "잘못된 주소예요", "로그인 주소가 올바르지 않아요.", "This sign-in link is not valid."),
    "login_expired": Page(
        400,
        "로그인을 마치지 못했어요",
        "로그인이 오래 걸렸거나 이미 끝난 로그인이에요. 카카오 화면으로 되돌아가지 말고 여기서 다시 시작해 주세요.",
        "This sign-in took too long, or was finished before. Do not go back to Kakao's page: start again from here.",
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
    "again": Page(
        409,
        "한 번만 더 로그인해 주세요",
        "계정 연결을 마쳤어요. 다시 로그인하면 바로 이용할 수 있어요.",
        "Your account is connected now. Please sign in once more.",
    ),
    "disabled": Page(
        403,
        "사용할 수 없는 계정이에요",
        "이 계정은 이용이 정지되어 있어요. 궁금한 점은 서비스 담당자에게 문의해 주세요.",
        "This account has been disabled. Please ask the people who run this service.",
    ),
    "not_confirmed": Page(
        403,
        "이메일 인증이 필요해요",
        "가입할 때 이메일로 받은 인증 코드를 먼저 입력해 주세요.",
        "Please confirm your account first, with the code that you got by e-mail.",
    ),
    "refused": Page(
        403,
        "로그인하지 못했어요",
        f"서비스가 이 로그인을 받아들이지 않았어요. 다시 시도해 주세요. {CONTACT}",
        f"This service did not accept the sign-in. Please try again. {CONTACT_ENGLISH}",
    ),
    "profile_refused": Page(
        400,
        "카카오 계정 정보를 받지 못했어요",
        "카카오에서 받은 닉네임이나 이메일을 저장할 수 없어요. 카카오에서 정보를 바꾼 뒤에 다시 시도해 주세요.",
        "Your nickname or e-mail at Kakao cannot be kept here. Please change it at Kakao and try again.",
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
    **{
        f"misconfigured_{name}": Page(
            502,
            "로그인 설정에 문제가 있어요",
            "지금은 로그인할 수 없어요. 서비스 담당자에게 알려 주세요.",
            "Sign-in is not set up correctly. Please tell the people who run this service.",
            cause,
        )
        for name, cause in {
            "secret": "Kakao refuses the client: check kakaoClientId and kakaoClientSecret (KOE010, KOE101)",
            "user_info": "The userinfo route refuses Kakao's token: check kakaoAppId; if the log of the function "
            "`claims` has a warning, check the app's settings at developers.kakao.com, such as allowed IP addresses",
            "issuer": "The ID token has another issuer or audience: check the identity provider in infra/user_pool.py",
            "redirect": "A redirect address is not registered: give Kakao the output kakaoRedirectUri (KOE006, KOE303)",
            "kakao": "Kakao refuses the app: look at the log, and at the app's settings at developers.kakao.com",
            "openid": "Kakao gives no ID token: switch OpenID Connect on in the app's settings of Kakao Login",
            "client": "Cognito refuses the app client's flow or scopes, or what the client asked for",
            "trigger": "Cognito cannot call a trigger, or not read its answer: check its permission and code",
            "attribute": "A mapped attribute cannot be written: it has to be mutable, and writable by the app client",
            "link": "A profile and its identity at Kakao do not fit together: look at the user's identities",
        }.items()
    },
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
    "not_found": Page(
        404,
        "찾을 수 없어요",
        "주소가 바뀌었거나 없어진 파일이에요.",
        "There is no such file here. It may have been moved or removed.",
    ),
}

# What Cognito says in `error` and `error_description`; the first match wins. AWS promises no fixed texts, so these are
# the ones that people have reported, and any other text is "failed" (docs/reference/faults.md, "What Cognito says").
# Descriptions come first: Cognito gives most of them under `invalid_request`, and some under `access_denied`.
KINDS = [
    ("", r"already found an entry for username", "again"),
    ("", r"user is (not enabled|disabled)", "disabled"),
    ("", r"user is not confirmed", "not_confirmed"),
    ("", r"too ?many ?requests|rate (limit )?exceeded|limit ?exceeded|throttl|error - 429", "throttled"),
    ("", r"invocation failed due to error (accessdenied|resourcenotfound)", "misconfigured_trigger"),
    ("", r"(invalid|unrecognizable) lambda", "misconfigured_trigger"),
    ("", r"attributes? required|attribute is required", "consent_missing"),
    ("", r"attribute cannot be updated", "misconfigured_attribute"),
    ("", r"invalid user attributes|attribute value|attribute .*(format|length|longer|too long)", "profile_refused"),
    ("", r"invalid providername/username combination", "misconfigured_link"),
    ("", r"error - 401 error getting userinfo", "misconfigured_user_info"),  # from handlers/kakao_user_info.py
    ("", r"invalid_client|bad client credentials|error - 401", "misconfigured_secret"),
    ("", r"redirect.?(uri)?.?mismatch", "misconfigured_redirect"),
    ("", r"bad id_token|issuer|audience", "misconfigured_issuer"),
    ("", r"invalid_grant|authorization code not found", "login_expired"),
    ("", r"time(d )?out|error - 504", "too_slow"),
    ("", r"(failed with|failed due to) error|error - 403", "refused"),
    # Kakao's own error, where Cognito has it in the description: "Kakao Error - 400 consent_required …".
    ("", r"consent[ _]required|interaction_required", "consent_missing"),
    ("", r"login_required", "login_expired"),
    ("", r"access_denied|user denied access", "cancelled"),
    (
        "",
        r"error getting token|exception processing authorization code|connection (reset|refused)|unknown ?host|jwks"
        r"|well-known|internal (server )?error|service ?unavailable|error - 5\d\d",
        "unavailable",
    ),
    (r"access_denied", "", "cancelled"),
    (r"consent_required|interaction_required", "", "consent_missing"),
    (r"login_required", "", "login_expired"),
    (r"server_error|temporarily_unavailable", "", "unavailable"),
    (r"redirect_mismatch", "", "misconfigured_redirect"),
    (r"unauthorized_client|invalid_client|invalid_scope|unsupported_response_type", "", "misconfigured_client"),
]


def kind_of(error: str, description: str) -> str:
    """Return the kind of page for an OAuth error (RFC 6749 section 4.1.2.1) and Cognito's description of it."""
    for error_pattern, description_pattern, kind in KINDS:
        if re.fullmatch(error_pattern or ".*", error, re.DOTALL) and re.search(
            description_pattern, description, re.IGNORECASE
        ):
            return kind
    return "failed"


def error(kind: str) -> web.Response:
    """Answer with the page of this kind."""
    page = PAGES[kind]
    headers = {"retry-after": "5"} if page.status == 429 else {}
    return web.html_response(page.status, _html(page), headers=headers)


def not_found() -> web.Response:
    """Answer for a file that the site does not have; the distribution may cache the page for a minute."""
    page = _html(PAGES["not_found"], link="처음으로", link_english="Home")
    return web.html_response(404, page, headers={"cache-control": "public, max-age=60"})


def _html(page: Page, **link: str) -> str:
    return error_page.html(title=page.title, korean=page.korean, english=page.english, **link)
