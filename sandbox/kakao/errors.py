"""Kakao's error codes: https://developers.kakao.com/docs/latest/ko/kakaologin/trouble-shooting."""

from typing import NamedTuple

from authlib.oauth2 import OAuth2Error


class Koe(NamedTuple):
    """What Kakao answers with a KOE code; `advice` is for the page that a person sees."""

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


class KoeError(OAuth2Error):  # type: ignore[misc]  # Authlib is untyped
    """A refusal with one of Kakao's codes; `detail` is what the person at the page may need to see."""

    def __init__(self, code: str, detail: str = "") -> None:
        """Take the error and its description from the table."""
        super().__init__(KOE[code].description, error=KOE[code].error, status_code=KOE[code].status)
        self.code = code
        self.detail = detail

    def get_body(self) -> list[tuple[str, str]]:
        """The members of the JSON answer."""
        return [("error", self.error), ("error_description", self.description), ("error_code", self.code)]
