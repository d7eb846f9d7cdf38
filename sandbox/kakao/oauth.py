"""What Kakao Login decides about a request, without HTTP and without state.

OAuth 2.0 (RFC 6749) with PKCE (RFC 7636), and a KOE code of Kakao's for each refusal.
"""

import re
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from sandbox.kakao.errors import KoeError
from sandbox.kakao.people import Person
from sandbox.pkce import s256

CODE_SECONDS = 600
NO_PROMPT = "none"
PROMPTS = ("login", NO_PROMPT, "create", "select_account")
CODE_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 sections 4.1 and 4.2: a verifier looks the same


@dataclass(frozen=True)
class KakaoApp:
    """An app as its owner registers it at Kakao.

    `scopes` are the consent items that are switched on; `openid` among them is the switch of OpenID Connect.
    `service_terms` are the tags of terms that Kakao Sync asks users to agree to, `required_terms` some of them.
    """

    client_id: str
    client_secret: str = field(repr=False)
    app_id: int
    redirect_uris: tuple[str, ...]
    logout_redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("openid", "account_email", "profile_nickname")
    login_activated: bool = True
    service_terms: tuple[str, ...] = ()
    required_terms: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Login:
    """One login: the user, the app, and the scopes that the user agreed to. Two logins are never equal."""

    person: Person
    app: KakaoApp
    scopes: tuple[str, ...]
    nonce: str | None = None
    auth_time: int = field(default_factory=lambda: int(time.time()))


@dataclass(frozen=True)
class AuthorizationRequest:
    """A checked request of /oauth/authorize: the redirect URI is registered, the scopes are switched on."""

    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None = None
    nonce: str | None = None
    prompts: frozenset[str] = frozenset()
    login_hint: str = ""
    service_terms: tuple[str, ...] = ()
    code_challenge: str | None = None

    @property
    def consent_items(self) -> tuple[str, ...]:
        """The scopes that the consent page asks for; `openid` needs no consent."""
        return tuple(scope for scope in self.scopes if scope != "openid")

    def agreed(self, items: Iterable[str]) -> tuple[str, ...]:
        """Return the scopes of a login in which the user agreed to `items`."""
        agreed = {"openid", *items}
        return tuple(scope for scope in self.scopes if scope in agreed)

    def answer(self, **parameters: str) -> str:
        """Return the URI that carries the answer, and the state, back to the app (sections 4.1.2 and 4.1.2.1)."""
        state = {"state": self.state} if self.state else {}
        return with_parameters(self.redirect_uri, parameters | state)


@dataclass(frozen=True)
class Code:
    """An authorization code's login, and what the code is bound to."""

    login: Login
    redirect_uri: str
    code_challenge: str | None = None
    expires_at: float = field(default_factory=lambda: time.time() + CODE_SECONDS)


def parameters(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return a request's parameters; without a value they count as omitted, and none may repeat (section 3.1)."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise KoeError("KOE001")
        found[name] = value
    return {name: value for name, value in found.items() if value}


def with_parameters(uri: str, parameters: Mapping[str, str]) -> str:
    """Add parameters to a URI, and keep those that it has."""
    if not parameters:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(parameters)}"


def check_authorization_request(app: KakaoApp, asked: Mapping[str, str]) -> AuthorizationRequest:
    """Check the parameters of /oauth/authorize (sections 4.1.1 and 3.3)."""
    if not app.login_activated:
        raise KoeError("KOE004")
    if (response_type := asked.get("response_type")) != "code":
        raise KoeError("KOE202" if response_type == "token" else "KOE201")
    if asked.get("client_id") != app.client_id:
        raise KoeError("KOE101")
    redirect_uri = asked.get("redirect_uri", "")
    if redirect_uri not in app.redirect_uris:
        raise KoeError("KOE006", redirect_uri)
    scopes = tuple(asked.get("scope", "").replace(",", " ").split()) or app.scopes
    if missing := sorted(set(scopes) - set(app.scopes)):
        raise KoeError("KOE205", ", ".join(missing))
    return AuthorizationRequest(
        redirect_uri,
        scopes,
        state=asked.get("state"),
        nonce=asked.get("nonce"),
        prompts=_prompts(asked.get("prompt", "")),
        login_hint=asked.get("login_hint", ""),
        service_terms=_service_terms(app, asked.get("service_terms")),
        code_challenge=_code_challenge(asked),
    )


def _prompts(prompt: str) -> frozenset[str]:
    """Return the values of `prompt`; Kakao separates them by commas, OpenID Connect by spaces."""
    prompts = frozenset(prompt.replace(",", " ").split())
    if prompts - {*PROMPTS} or (NO_PROMPT in prompts and len(prompts) > 1):
        raise KoeError("KOE001", prompt)
    return prompts


def _service_terms(app: KakaoApp, tags: str | None) -> tuple[str, ...]:
    """Return the terms that the user is asked to agree to: those of the request, or all of the app."""
    return app.service_terms if tags is None else tuple(tag for tag in tags.split(",") if tag in app.service_terms)


def _code_challenge(asked: Mapping[str, str]) -> str | None:
    """Check the PKCE parameters (RFC 7636 section 4.3); Kakao takes S256 only, so it is the default here."""
    challenge, method = asked.get("code_challenge"), asked.get("code_challenge_method")
    if challenge is None and method is None:
        return None
    if challenge is None or not CODE_CHALLENGE.fullmatch(challenge) or method not in (None, "S256"):
        raise KoeError("KOE001")
    return challenge


def check_client(app: KakaoApp, form: Mapping[str, str]) -> None:
    """Authenticate the client of /oauth/token (section 2.3.1); Kakao takes the secret in the form only."""
    if form.get("client_id") != app.client_id:
        raise KoeError("KOE101")
    if not secrets.compare_digest(form.get("client_secret", "").encode(), app.client_secret.encode()):
        raise KoeError("KOE010")


def check_code(code: Code | None, form: Mapping[str, str]) -> Code:
    """Check an access token request (section 4.1.3) against the code that it brings."""
    if "code" not in form:
        raise KoeError("KOE001")
    if code is None or code.expires_at < time.time():
        raise KoeError("KOE320")
    if form.get("redirect_uri") != code.redirect_uri:
        raise KoeError("KOE303")
    _check_code_verifier(code.code_challenge, form.get("code_verifier"))
    return code


def _check_code_verifier(challenge: str | None, verifier: str | None) -> None:
    """Compare a code verifier with the challenge (RFC 7636 section 4.6)."""
    if challenge is None and verifier is None:
        return
    # RFC 9700 section 2.1.1: a verifier without a challenge is refused too, else an attacker strips the challenge.
    if challenge is None or verifier is None or not CODE_CHALLENGE.fullmatch(verifier):
        raise KoeError("KOE001")
    if s256(verifier) != challenge:
        raise KoeError("KOE320")


def check_refresh_token(app: KakaoApp, login: Login | None, form: Mapping[str, str]) -> Login:
    """Check a refresh request (section 6) against the login of its refresh token."""
    if "refresh_token" not in form:
        raise KoeError("KOE319")
    if login is None or login.app.client_id != app.client_id:
        raise KoeError("KOE322")
    return login


def check_logout(app: KakaoApp, asked: Mapping[str, str]) -> str:
    """Check the parameters of /oauth/logout, and return where it leads."""
    if asked.get("client_id") != app.client_id:
        raise KoeError("KOE101")
    target = asked.get("logout_redirect_uri", "")
    if target not in app.logout_redirect_uris:
        raise KoeError("KOE007", target)
    return with_parameters(target, {"state": asked["state"]} if "state" in asked else {})
