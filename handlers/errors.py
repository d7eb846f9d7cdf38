"""Every error that a handler raises on purpose. One class for each thing that a caller tells apart.

    LoginError
    ├── HttpError                        the HTTP response is an error: status, code, message
    │   └── TokenTooLargeError           507: no browser keeps the ID token
    ├── CookieError                      a browser would read another value
    │   └── CookieTooLargeError          a browser would drop the cookie
    ├── CognitoError                     Cognito's API did not do what it was called for
    │   ├── CognitoResponseError         it answered with an error, such as UserNotFoundException
    │   ├── CognitoTooSlowError          it did not answer in time
    │   └── CognitoUnavailableError      it could not be reached
    ├── InactiveAccountError             no account is behind a token any more
    │   └── AccountDisabledError         the team has disabled it
    ├── DisabledProfileError             the team has disabled the user's profile
    ├── HostedProfileError               Cognito signs the user in through the hosted login alone
    ├── TokenError                       Cognito's token endpoint gave no tokens
    │   ├── InvalidGrantError            the code or the refresh token is not, or no longer, valid
    │   ├── TokenThrottledError
    │   ├── TokenUnavailableError
    │   └── TokenTooSlowError
    ├── AuthorizationRequestError        the hosted login would not send the browser to Kakao like this
    ├── SignInFailedError                the browser gets a page that says what failed
    ├── KakaoParameterError              a login link has a parameter of Kakao's that Kakao would not take
    ├── InvalidTokenError                an ID token is invalid
    │   └── UnknownKeyError              it names a key that is not at hand
    ├── JwksError                        an issuer's keys could not be fetched
    │   └── JwksTooSlowError
    ├── KakaoError                       Kakao does not accept a token
    │   ├── InvalidKakaoTokenError
    │   ├── KakaoThrottledError
    │   ├── KakaoUnavailableError
    │   ├── KakaoTooSlowError
    │   ├── KakaoMisconfiguredError      until the settings of the Kakao app change
    │   ├── KakaoUnderAgeError
    │   ├── KakaoRestrictedError
    │   └── KakaoConsentError
    └── ConnectionDeniedError            the WebSocket is not opened

The text of each is fixed, so that it may be logged: it holds no token, no e-mail and nothing else of a request. The
triggers have a tree of their own, handlers/trigger_errors.py, because Cognito waits for them to load.
"""

from collections.abc import Sequence


class LoginError(Exception):
    """The root of the tree."""


# HTTP


class HttpError(LoginError):
    """The request is answered with an error: `code` is for programs, `message` says what to do.

    `retry_after` is in seconds. `cookies` are Set-Cookie lines.
    """

    def __init__(
        self, status: int, code: str, message: str, *, cookies: Sequence[str] = (), retry_after: int | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.cookies = cookies
        self.retry_after = retry_after


class TokenTooLargeError(HttpError):
    """No browser keeps the ID token as a cookie, or API Gateway does not take it back. A retry does not help."""

    def __init__(self, *, cookies: Sequence[str] = ()) -> None:
        message = "The account holds too much to be signed in with. The operator of the site has to change that."
        super().__init__(507, "token_too_large", message, cookies=cookies)


class CookieError(LoginError):
    """A browser would not keep the cookie. The text names the cookie only."""


class CookieTooLargeError(CookieError):
    """The name and the value are longer than contract.MAX_COOKIE_BYTES together."""


class SignInFailedError(LoginError):
    """The browser gets a page instead of a session. `kind` is one of pages.PAGES, the text is for the log."""

    def __init__(self, kind: str, reason: str = "") -> None:
        super().__init__(reason)
        self.kind = kind


# Cognito


class CognitoError(LoginError):
    """A call of Cognito's API failed. The text is the code of AWS's error, or the type of botocore's."""


class CognitoResponseError(CognitoError):
    """Cognito answered with an error. `code` is AWS's, `message` is AWS's too and must not be logged or shown."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class CognitoTooSlowError(CognitoError):
    """No connection, or no response, came in time."""


class CognitoUnavailableError(CognitoError):
    """There is no response that makes sense."""


class InactiveAccountError(LoginError):
    """The account of a token is gone, or its user name belongs to another account now."""


class AccountDisabledError(InactiveAccountError):
    """The team has disabled the account of a token."""


class DisabledProfileError(LoginError):
    """The team has disabled the user's profile."""


class HostedProfileError(LoginError):
    """The user has a profile of the hosted login, for which Cognito gives tokens in no other way."""


class TokenError(LoginError):
    """Cognito's token endpoint gave no tokens."""


class InvalidGrantError(TokenError):
    """The code or the refresh token is not, or no longer, valid (RFC 6749 section 5.2, invalid_grant)."""


class TokenThrottledError(TokenError):
    """Cognito asks to come back later (status 429)."""


class TokenUnavailableError(TokenError):
    """Cognito is down, or its response makes no sense."""


class TokenTooSlowError(TokenError):
    """The response did not come in time."""


# ID tokens


class InvalidTokenError(LoginError):
    """The ID token is invalid. The text says why, and holds nothing of the token."""


class JwksError(LoginError):
    """The keys could not be fetched, or the response holds none that is usable."""


class JwksTooSlowError(JwksError):
    """The keys did not come in time."""


class UnknownKeyError(InvalidTokenError):
    """The token names a key that is not at hand. `failure` says why the keys could not be fetched, or is None."""

    def __init__(self, failure: JwksError | None) -> None:
        super().__init__("signed with an unknown key")
        self.failure = failure


# Kakao


class AuthorizationRequestError(LoginError):
    """The hosted login sends no browser to Kakao like this. The text is the name of the parameter."""


class KakaoParameterError(LoginError):
    """A login link has a parameter of Kakao's with a wrong value. The text is its name."""


class KakaoError(LoginError):
    """Kakao does not accept the token. `code`, which is the text too, is for the response and for the log."""

    code = ""

    def __init__(self) -> None:
        super().__init__(self.code)


class InvalidKakaoTokenError(KakaoError):
    """The token is not, or no longer, one that Kakao gave to this app."""

    code = "invalid_token"


class KakaoThrottledError(KakaoError):
    """The app has used up its quota at Kakao."""

    code = "kakao_throttled"


class KakaoUnavailableError(KakaoError):
    """Kakao is down, or its response makes no sense."""

    code = "kakao_unavailable"


class KakaoTooSlowError(KakaoError):
    """Kakao did not answer in time."""

    code = "kakao_too_slow"


class KakaoMisconfiguredError(KakaoError):
    """Kakao refuses the app's calls until the team changes the app's settings. A log line names the cause."""

    code = "kakao_misconfigured"


class KakaoUnderAgeError(KakaoError):
    """The app is closed to users under 14, or to users whose age Kakao does not know."""

    code = "kakao_under_age"


class KakaoRestrictedError(KakaoError):
    """Kakao has restricted the user's account."""

    code = "kakao_account_restricted"


class KakaoConsentError(KakaoError):
    """The user has not agreed to a consent item that the app requires."""

    code = "kakao_consent_required"


# WebSocket


class ConnectionDeniedError(LoginError):
    """The WebSocket is not opened. The text says why."""
