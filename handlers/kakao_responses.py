"""The HTTP response to each KakaoError."""

from collections.abc import Mapping

from handlers.errors import HttpError

# The code of a KakaoError → status, message.
RESPONSES: Mapping[str, tuple[int, str]] = {
    "invalid_token": (401, "Ask Kakao for a new token of this app. An ID token is accepted for five minutes."),
    "kakao_account_restricted": (403, "Kakao has restricted this account. The user has to ask Kakao."),
    "kakao_consent_required": (403, "The user has to agree to more in Kakao's consent screen. Ask for it, then retry."),
    "kakao_under_age": (403, "Kakao does not let users of this age sign in to this app."),
    "kakao_misconfigured": (502, "Kakao refuses the calls of this service. Its team has to look at its log."),
    "kakao_throttled": (429, "Kakao takes no more requests from this app for now. Try again later."),
    "kakao_unavailable": (502, "Kakao is not available. Try again."),
    "kakao_too_slow": (504, "Kakao is slow. Try again."),
}
RETRY_AFTER_SECONDS = {"kakao_throttled": 60}  # Kakao itself names no time


def http_error(code: str) -> HttpError:
    """Return the HTTP response to a KakaoError with this code."""
    status, message = RESPONSES[code]
    return HttpError(status, code, message, retry_after=RETRY_AFTER_SECONDS.get(code))
