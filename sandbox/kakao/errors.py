"""Kakao's error codes.

Kakao Login: https://developers.kakao.com/docs/latest/ko/kakaologin/trouble-shooting,
the user API: https://developers.kakao.com/docs/latest/ko/rest-api/error-code,
the texts of -401: https://devtalk.kakao.com/t/topic/134883. The other texts are the stand-in's own.
"""

from typing import NamedTuple


class Koe(NamedTuple):
    """What Kakao answers with a KOE code; `advice` is the text of the error page."""

    status: int
    error: str
    description: str
    advice: str = ""


KOE = {
    "KOE001": Koe(400, "invalid_request", "bad request", "요청 매개변수가 빠졌거나 잘못되었습니다."),
    "KOE004": Koe(400, "invalid_request", "Kakao Login is not activated", "앱에서 카카오 로그인을 켜야 합니다."),
    "KOE006": Koe(
        400,
        "invalid_request",
        "redirect_uri is not registered",
        "redirect_uri가 앱에 등록한 값과 글자까지 같아야 합니다.",
    ),
    "KOE007": Koe(
        400,
        "invalid_request",
        "logout_redirect_uri is not registered",
        "logout_redirect_uri가 앱에 등록한 값과 글자까지 같아야 합니다.",
    ),
    "KOE010": Koe(401, "invalid_client", "Bad client credentials"),
    "KOE101": Koe(401, "invalid_client", "Not exist client_id", "client_id는 앱의 REST API 키여야 합니다."),
    "KOE201": Koe(400, "invalid_request", "Unsupported response type", "response_type은 code여야 합니다."),
    "KOE202": Koe(400, "invalid_request", "Implicit grant is not supported", "response_type은 code여야 합니다."),
    "KOE205": Koe(400, "invalid_scope", "scope is not enabled", "앱에서 쓰기로 하지 않은 동의 항목이 있습니다."),
    "KOE303": Koe(400, "invalid_grant", "Redirect URI mismatch."),
    "KOE310": Koe(400, "invalid_request", "unsupported grant_type"),
    "KOE319": Koe(400, "invalid_grant", "refresh_token is missing"),
    "KOE320": Koe(400, "invalid_grant", "authorization code not found"),
    "KOE322": Koe(400, "invalid_grant", "expired_or_invalid_refresh_token"),
}


IP_MISMATCH = "ip mismatched! callerIp=192.0.2.1. check out registered ips."

API_ERRORS = {
    -1: (400, "internal error"),
    -2: (400, "invalid parameter"),
    -3: (403, "the feature is not activated"),
    -4: (403, "the account is restricted"),
    -5: (403, "no permission"),
    -6: (403, "the action is not allowed"),
    -7: (400, "maintenance"),
    -8: (400, "invalid header"),
    -9: (400, "the API has ended"),
    -10: (400, "API limit has been exceeded."),
    -11: (400, "the limit of the day or the month has been exceeded"),
    -12: (403, "the app is suspended"),
    -101: (400, "the account is not connected to the app"),
    -102: (400, "the account is connected already"),
    -103: (400, "no such account"),
    -201: (400, "unknown property key"),
    -401: (401, "this access token does not exist"),
    -402: (403, "insufficient scopes."),
    -405: (401, "the age has to be shown"),
    -406: (401, "the user is under 14"),
    -603: (400, "timeout"),
    -903: (400, "no such developer"),
    -9798: (503, "service unavailable"),
}


class KoeError(Exception):
    """Kakao Login refuses a request; `detail` is the wrong value, for the error page."""

    def __init__(self, code: str, detail: str = "") -> None:
        """Take the error and its description from the table."""
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.koe = KOE[code]


class ApiError(Exception):
    """The user API, or a switch of the stand-in, refuses a request; `more` are further members of the answer."""

    def __init__(self, status: int, code: int, message: str, **more: object) -> None:
        """Keep what Kakao answers."""
        super().__init__(message)
        self.status = status
        self.body = {"msg": message, "code": code, **more}
