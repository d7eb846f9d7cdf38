"""The endpoints of https://kapi.kakao.com that an access token opens."""

from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.kakao import oauth, service_terms
from sandbox.kakao.consents import claims, user_me
from sandbox.kakao.errors import ApiError
from sandbox.kakao.oauth import Login
from sandbox.kakao.server import KakaoServer

Answer = Callable[[KakaoServer, web.Request, Login, int], dict[str, Any]]


def routes(kakao: KakaoServer) -> list[web.RouteDef]:
    """Return the routes of the user API."""
    terms = ServiceTermsApi(kakao)
    return [
        web.get("/v2/user/service_terms", terms.listed),
        web.post("/v2/user/revoke/service_terms", terms.revoked),
    ] + [
        route(path, _with_login(kakao, answer))
        for path, methods, answer in (
            ("/v1/oidc/userinfo", (web.get, web.post), userinfo),
            ("/v2/user/me", (web.get, web.post), me),
            ("/v1/user/access_token_info", (web.get,), access_token_info),
            ("/v1/user/logout", (web.post,), logout),
            ("/v1/user/unlink", (web.post,), unlink),
        )
        for route in methods
    ]


def _with_login(kakao: KakaoServer, answer: Answer) -> Handler:
    """Answer with the login of the request's access token (RFC 6750 section 2.1) and the token's remaining seconds."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response(answer(kakao, request, *_authenticated(kakao, request)))

    return handler


def _authenticated(kakao: KakaoServer, request: web.Request) -> tuple[Login, int]:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ApiError(401, -401, "no authentication key!")
    found = kakao.login_of(token.strip())
    if found is None:
        raise ApiError(401, -401, "this access token does not exist")
    return found


class ServiceTermsApi:
    """The terms that a user has agreed to."""

    def __init__(self, kakao: KakaoServer) -> None:
        """Serve this Kakao."""
        self._kakao = kakao

    async def listed(self, request: web.Request) -> web.StreamResponse:
        """GET /v2/user/service_terms."""
        login, _ = _authenticated(self._kakao, request)
        terms = service_terms.listed(login.app, self._agreed(login), oauth.parameters(request.query.items()))
        return web.json_response({"id": login.person.id, "service_terms": terms})

    async def revoked(self, request: web.Request) -> web.StreamResponse:
        """POST /v2/user/revoke/service_terms."""
        login, _ = _authenticated(self._kakao, request)
        form = {name: str(value) for name, value in (await request.post()).items()}
        terms = service_terms.revoked(login.app, self._agreed(login), form)
        return web.json_response({"id": login.person.id, "revoked_service_terms": terms})

    def _agreed(self, login: Login) -> dict[str, str]:
        connection = self._kakao.connection(login.person, login.app.app_id)
        return connection.terms if connection else {}


def userinfo(_kakao: KakaoServer, _request: web.Request, login: Login, _seconds: int) -> dict[str, Any]:
    """Answer /v1/oidc/userinfo."""
    if "openid" not in login.scopes:
        raise ApiError(403, -402, "insufficient scopes.", required_scopes=["openid"])
    return claims(login)


def me(_kakao: KakaoServer, request: web.Request, login: Login, _seconds: int) -> dict[str, Any]:
    """Answer /v2/user/me."""
    return user_me(login, secure_resource=request.query.get("secure_resource") == "true")


def access_token_info(_kakao: KakaoServer, _request: web.Request, login: Login, seconds: int) -> dict[str, Any]:
    """Answer /v1/user/access_token_info."""
    return {"id": login.person.id, "expires_in": seconds, "app_id": login.app.app_id}


def logout(kakao: KakaoServer, _request: web.Request, login: Login, _seconds: int) -> dict[str, Any]:
    """Answer /v1/user/logout."""
    kakao.log_out(login)
    return {"id": login.person.id}


def unlink(kakao: KakaoServer, _request: web.Request, login: Login, _seconds: int) -> dict[str, Any]:
    """Answer /v1/user/unlink."""
    kakao.unlink(login.person, login.app.app_id)
    return {"id": login.person.id}
