"""Kakao's OAuth and OpenID Connect: Authlib's authorization server, with Kakao's tokens and error codes."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import flask
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Payload, FlaskOAuth2Request
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    InvalidClientError,
    InvalidGrantError,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from joserfc import jwt
from joserfc.jwk import RSAKey

from sandbox.kakao.errors import KoeError
from sandbox.kakao.people import Person

CODE_SECONDS = 600
ACCESS_TOKEN_SECONDS = 21_599
REFRESH_TOKEN_SECONDS = 5_183_999


@dataclass(frozen=True)
class KakaoApp:
    """An app as its owner registers it at Kakao.

    `scopes` are the consent items switched on; `openid` among them stands for the switch of OpenID Connect.
    """

    client_id: str
    client_secret: str = field(repr=False)
    app_id: int
    redirect_uris: tuple[str, ...]
    logout_redirect_uris: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("openid", "account_email", "profile_nickname")
    login_activated: bool = True

    # What Authlib asks of a client.

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether this is the secret."""
        return secrets.compare_digest(self.client_secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        """Kakao takes the secret in the form, and nowhere else."""
        return method == "client_secret_post"

    def check_response_type(self, response_type: str) -> bool:
        """Kakao knows the code flow only."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Codes and refresh tokens."""
        return grant_type in {"authorization_code", "refresh_token"}

    def get_allowed_scope(self, scope: str) -> str:
        """All that was asked for: what is not switched on has been refused before."""
        return scope


@dataclass(frozen=True, eq=False)
class Login:
    """One time that a person agreed: which app may know what of them. Each is equal to itself only."""

    person: Person
    app: KakaoApp
    scopes: tuple[str, ...]
    nonce: str | None = None
    auth_time: int = field(default_factory=lambda: int(time.time()))

    def claims(self) -> dict[str, str | bool]:
        """What may be told, with the names and types of /v1/oidc/userinfo."""
        claims: dict[str, str | bool] = {"sub": str(self.person.id)}
        if "profile_nickname" in self.scopes:
            claims["nickname"] = self.person.nickname
        if "account_email" in self.scopes and self.person.email:
            claims |= {"email": self.person.email, "email_verified": self.person.email_verified}
        return claims


@dataclass(frozen=True)
class Code:
    """An authorization code, and what it is bound to."""

    value: str
    login: Login
    redirect_uri: str
    code_challenge: str | None
    code_challenge_method: str | None
    expires_at: float = field(default_factory=lambda: time.time() + CODE_SECONDS)

    # What Authlib asks of a code.

    def get_redirect_uri(self) -> str:
        """Where it was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """What the person agreed to."""
        return " ".join(self.login.scopes)


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token, as Authlib asks for one."""

    login: Login

    def check_client(self, client: KakaoApp) -> bool:
        """Whether it was issued to this app."""
        return self.login.app.client_id == client.client_id

    def get_scope(self) -> str:
        """What the person agreed to."""
        return " ".join(self.login.scopes)


class KakaoServer(AuthorizationServer):  # type: ignore[misc]  # Authlib is untyped
    """The one app, its codes and tokens, and the key that signs. All of it is lost at the end."""

    def __init__(self, issuer: str, app: KakaoApp, hosts: Mapping[str, str]) -> None:
        """Read the registered redirect URIs through `hosts`, as those of the requests will be."""
        super().__init__()
        self.issuer = issuer
        self.hosts = hosts
        self.app = self.registered = replace(app, redirect_uris=tuple(self.resolve(uri) for uri in app.redirect_uris))
        self.rotate()
        self.codes: dict[str, Code] = {}
        self.access_tokens: dict[str, tuple[Login, float]] = {}
        self.refresh_tokens: dict[str, Login] = {}
        self.register_token_generator("default", self._generate)
        self.register_grant(_CodeGrant, [_S256(required=False)])
        self.register_grant(_RefreshGrant)

    def rotate(self) -> None:
        """Sign with a new key from now on, and publish no other."""
        self.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)

    def resolve(self, uri: str) -> str:
        """The same URI at the origin that answers for it."""
        for origin, answering in self.hosts.items():
            if uri.startswith(f"{origin}/"):
                return answering + uri.removeprefix(origin)
        return uri

    def issue(
        self,
        login: Login,
        *,
        refresh_token: bool = True,
        nonce: str | None = None,
        seconds: int = ACCESS_TOKEN_SECONDS,
    ) -> dict[str, Any]:
        """New tokens, in the shape of POST /oauth/token; an ID token only with the scope openid."""
        access_token = secrets.token_urlsafe(32)
        self.access_tokens[access_token] = (login, time.time() + seconds)
        token: dict[str, Any] = {
            "token_type": "bearer",
            "access_token": access_token,
            "expires_in": seconds,
            "scope": " ".join(login.scopes),
        }
        if refresh_token:
            token["refresh_token"] = secrets.token_urlsafe(32)
            token["refresh_token_expires_in"] = REFRESH_TOKEN_SECONDS
            self.refresh_tokens[token["refresh_token"]] = login
        if "openid" in login.scopes:
            token["id_token"] = self._id_token(login, nonce, seconds)
        return token

    def login_of(self, access_token: str) -> tuple[Login, int] | None:
        """The login behind an access token and its remaining seconds; None if it is unknown, ended or expired."""
        login, expires_at = self.access_tokens.get(access_token, (None, 0.0))
        remaining = int(expires_at - time.time())
        return (login, remaining) if login and remaining > 0 else None

    def end(self, ended: set[Login]) -> None:
        """Make the tokens of these logins invalid."""
        for access_token, (login, _) in list(self.access_tokens.items()):
            if login in ended:
                self.access_tokens.pop(access_token, None)
        for refresh_token, login in list(self.refresh_tokens.items()):
            if login in ended:
                self.refresh_tokens.pop(refresh_token, None)

    def logins(self, person: Person, app_id: int) -> set[Login]:
        """Each login of a person at an app that has not been ended."""
        return {
            login
            for login, _ in list(self.access_tokens.values())
            if login.person == person and login.app.app_id == app_id
        }

    def _id_token(self, login: Login, nonce: str | None, seconds: int) -> str:
        now = int(time.time())
        claims: dict[str, Any] = login.claims() | {
            "iss": self.issuer,
            "aud": login.app.client_id,
            "iat": now,
            "exp": now + seconds,
            "auth_time": login.auth_time,
        }
        if nonce:
            claims["nonce"] = nonce
        if "email_verified" in claims:
            # Kakao tells this at userinfo only. The emulated Cognito never asks there, it reads the ID token, and
            # of a boolean it makes false.
            claims["email_verified"] = "true" if claims["email_verified"] else "false"
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    # What Authlib asks of a server, and what Kakao does otherwise.

    def query_client(self, client_id: str) -> KakaoApp | None:
        """The app with this key."""
        return self.app if client_id == self.app.client_id else None

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        """Do nothing: `issue` has kept it."""

    def _generate(self, *, grant_type: str, user: Login, include_refresh_token: bool, **_: object) -> dict[str, Any]:
        nonce = user.nonce if grant_type == "authorization_code" else None
        return self.issue(user, refresh_token=include_refresh_token, nonce=nonce)

    def create_oauth2_request(self, _request: object) -> FlaskOAuth2Request:
        """The current request, read as Kakao reads it."""
        oauth_request = FlaskOAuth2Request(flask.request)
        oauth_request.payload = _Payload(self)
        return oauth_request

    def get_authorization_grant(self, request: Any) -> Any:
        """Refuse all but the code flow with a code of Kakao's, and everything while the login is off."""
        if not self.app.login_activated:
            raise KoeError("KOE004")
        match request.payload.response_type:
            case "code":
                return super().get_authorization_grant(request)
            case "token":
                raise KoeError("KOE202")
            case _:
                raise KoeError("KOE201")

    def validate_requested_scope(self, scope: str) -> None:
        """Refuse the whole request over one consent item that is not switched on."""
        if missing := sorted(set(scope.split()) - set(self.app.scopes)):
            raise KoeError("KOE205", ", ".join(missing))

    def handle_error_response(self, request: Any, error: OAuth2Error) -> Any:
        """Answer with Kakao's code, as JSON."""
        return super().handle_error_response(request, self.koe(error))

    def koe(self, error: OAuth2Error) -> KoeError:
        """The error of Kakao's that stands for one of Authlib's."""
        match error:
            case KoeError():
                return error
            case InvalidClientError():
                known = flask.request.values.get("client_id") == self.app.client_id
                return KoeError("KOE010" if known else "KOE101")
            case UnsupportedGrantTypeError():
                return KoeError("KOE310")
            case InvalidGrantError():
                return KoeError("KOE320")
            case _:
                return KoeError("KOE001")


class _Payload(FlaskOAuth2Payload):  # type: ignore[misc]  # Authlib is untyped
    def __init__(self, server: KakaoServer) -> None:
        super().__init__(flask.request)
        self.server = server

    @property
    def redirect_uri(self) -> str:
        return self.server.resolve(self.data.get("redirect_uri", ""))

    @property
    def scope(self) -> str:
        """Separated by spaces or by commas; without any, all that the app has switched on."""
        return self.data.get("scope", "").replace(",", " ").strip() or " ".join(self.server.app.scopes)


class _S256(CodeChallenge):  # type: ignore[misc]  # Authlib is untyped
    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)


class _CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib is untyped
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post",)

    @staticmethod
    def validate_authorization_redirect_uri(request: Any, client: KakaoApp) -> str:
        redirect_uri: str = request.payload.redirect_uri
        if redirect_uri not in client.redirect_uris:
            raise KoeError("KOE006", redirect_uri)
        return redirect_uri

    def save_authorization_code(self, code: str, request: Any) -> None:
        self.server.codes[code] = Code(
            code,
            login=request.user,
            redirect_uri=request.payload.redirect_uri,
            code_challenge=request.payload.data.get("code_challenge"),
            code_challenge_method=request.payload.data.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, _client: KakaoApp) -> Code | None:
        known: Code | None = self.server.codes.get(code)
        if not known or known.expires_at < time.time():
            return None
        if known.redirect_uri != self.request.payload.redirect_uri:
            raise KoeError("KOE303")
        return known

    def authenticate_user(self, authorization_code: Code) -> Login | None:
        """Take the code away here, before a token is made: of two requests at once, one finds it gone."""
        taken: Code | None = self.server.codes.pop(authorization_code.value, None)
        return taken.login if taken else None

    def delete_authorization_code(self, _authorization_code: Code) -> None:
        """Do nothing: `authenticate_user` has taken it away."""


class _RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]  # Authlib is untyped
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post",)

    def validate_token_request(self) -> None:
        if not self.request.form.get("refresh_token"):
            raise KoeError("KOE319")
        try:
            super().validate_token_request()
        except InvalidGrantError:
            raise KoeError("KOE322") from None

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        login = self.server.refresh_tokens.get(refresh_token)
        return login and RefreshToken(login)

    def authenticate_user(self, refresh_token: RefreshToken) -> Login:
        return refresh_token.login

    def revoke_old_credential(self, _refresh_token: RefreshToken) -> None:
        """Do nothing: Kakao renews a refresh token in its last month only."""
