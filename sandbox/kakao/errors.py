"""Kakao's error codes.

Kakao Login: https://developers.kakao.com/docs/latest/ko/kakaologin/trouble-shooting,
the user API: https://developers.kakao.com/docs/latest/ko/rest-api/reference
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
