"""What the stand-in remembers: the app, its users, codes and tokens, and the key that signs."""

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from sandbox.kakao import oauth
from sandbox.kakao.consents import claims
from sandbox.kakao.errors import KoeError
from sandbox.kakao.oauth import AuthorizationRequest, Code, KakaoApp, Login
from sandbox.kakao.people import Person

ACCESS_TOKEN_SECONDS = 21_599
REFRESH_TOKEN_SECONDS = 5_183_999


@dataclass
class Connection:
    """What a user has agreed to: consent items, and terms by tag with the time."""

    scopes: set[str] = field(default_factory=set)
    terms: dict[str, str] = field(default_factory=dict)


class KakaoServer:
    """Kakao with one app. Nothing is stored: all codes and tokens end with the process."""

    def __init__(self, issuer: str, app: KakaoApp, hosts: Mapping[str, str]) -> None:
        """Read the registered redirect URIs through `hosts`, as those of the requests."""
        self.issuer = issuer
        self.hosts = hosts
        self.app = self.registered = replace(app, redirect_uris=tuple(self.resolve(uri) for uri in app.redirect_uris))
        self.rotate_key()
        self._codes: dict[str, Code] = {}
        self._access_tokens: dict[str, tuple[Login, float]] = {}  # with the time of expiry
        self._refresh_tokens: dict[str, Login] = {}
        self._sessions: dict[str, Person] = {}  # of browsers, by the value of their cookie
        self._connections: dict[tuple[int, int], Connection] = {}  # by user and app

    def rotate_key(self) -> None:
        """Sign with a new key from now on, and publish no other."""
        self.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)

    def resolve(self, uri: str) -> str:
        """Return the same URI at the origin that answers for it."""
        for origin, answering in self.hosts.items():
            if uri.startswith(f"{origin}/"):
                return answering + uri.removeprefix(origin)
        return uri

    def parameters(self, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
        """Return the parameters of a query or a form, the redirect URI read through `hosts`."""
        found = oauth.parameters(pairs)
        return found | {"redirect_uri": self.resolve(found["redirect_uri"])} if "redirect_uri" in found else found

    def new_code(self, request: AuthorizationRequest, login: Login) -> str:
        """Issue an authorization code, bound to the redirect URI and the code challenge of the request."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = Code(login, request.redirect_uri, request.code_challenge)
        return code

    def begin_session(self, person: Person) -> str:
        """Sign a user in at Kakao; return the value of the cookie."""
        key = secrets.token_urlsafe(32)
        self._sessions[key] = person
        return key

    def signed_in(self, key: str) -> Person | None:
        """Return the user whose session at Kakao has this cookie."""
        return self._sessions.get(key)

    def end_session(self, key: str) -> None:
        """Sign a user out at Kakao."""
        self._sessions.pop(key, None)

    def connect(self, person: Person, scopes: Iterable[str], terms: Iterable[str]) -> None:
        """Connect a user to the app, who has agreed to these scopes and terms."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        agreed = self._connections.setdefault((person.id, self.app.app_id), Connection())
        agreed.scopes.update(scopes)
        agreed.terms.update(dict.fromkeys(terms, now))

    def connection(self, person: Person, app_id: int) -> Connection | None:
        """Return what a user has agreed to; None if the user is not connected to the app."""
        return self._connections.get((person.id, app_id))

    def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Answer POST /oauth/token."""
        grant_type = form.get("grant_type")
        if grant_type not in ("authorization_code", "refresh_token"):
            raise KoeError("KOE310")
        oauth.check_client(self.app, form)
        if grant_type == "refresh_token":
            login = oauth.check_refresh_token(self.app, self._refresh_tokens.get(form.get("refresh_token", "")), form)
            # Kakao renews a refresh token in its last month only. OpenID Connect Core 12.2: no nonce.
            return self.issue(login, refresh_token=False)
        code = oauth.check_code(self._codes.get(form.get("code", "")), form)
        del self._codes[form["code"]]
        return self.issue(code.login, nonce=code.login.nonce)

    def issue(
        self,
        login: Login,
        *,
        refresh_token: bool = True,
        nonce: str | None = None,
        seconds: int = ACCESS_TOKEN_SECONDS,
        age: int = 0,
    ) -> dict[str, Any]:
        """Issue tokens in the shape of POST /oauth/token: an ID token, `age` seconds old, only with openid."""
        access_token = secrets.token_urlsafe(32)
        self._access_tokens[access_token] = (login, time.time() + seconds)
        token: dict[str, Any] = {
            "token_type": "bearer",
            "access_token": access_token,
            "expires_in": seconds,
            "scope": " ".join(login.scopes),
        }
        if refresh_token:
            token["refresh_token"] = secrets.token_urlsafe(32)
            token["refresh_token_expires_in"] = REFRESH_TOKEN_SECONDS
            self._refresh_tokens[token["refresh_token"]] = login
        if "openid" in login.scopes:
            token["id_token"] = self._id_token(login, nonce, seconds, age)
        return token

    def login_of(self, access_token: str) -> tuple[Login, int] | None:
        """Return the login of an access token and the token's remaining seconds; None unless it is valid."""
        login, expires_at = self._access_tokens.get(access_token, (None, 0.0))
        remaining = int(expires_at - time.time())
        return (login, remaining) if login and remaining > 0 else None

    def log_out(self, login: Login) -> None:
        """End the tokens of one login."""
        self._end({login})

    def unlink(self, person: Person, app_id: int) -> None:
        """End the tokens of all logins of a user at an app."""
        self._connections.pop((person.id, app_id), None)
        logins = {login for login, _ in self._access_tokens.values()}
        self._end({login for login in logins if login.person == person and login.app.app_id == app_id})

    def _end(self, ended: set[Login]) -> None:
        self._access_tokens = {key: value for key, value in self._access_tokens.items() if value[0] not in ended}
        self._refresh_tokens = {key: login for key, login in self._refresh_tokens.items() if login not in ended}

    def _id_token(self, login: Login, nonce: str | None, seconds: int, age: int) -> str:
        now = int(time.time())
        payload: dict[str, Any] = claims(login) | {
            "iss": self.issuer,
            "aud": login.app.client_id,
            "iat": now - age,
            "exp": now + seconds,
            "auth_time": login.auth_time,
        }
        if nonce:
            payload["nonce"] = nonce
        payload.pop("email_verified", None)  # Kakao has this claim at userinfo only
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, payload, self.key)
