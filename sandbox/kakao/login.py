"""The endpoints of https://kauth.kakao.com: the consent page, tokens, sign-out, discovery."""

from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.kakao import oauth, pages
from sandbox.kakao.errors import KoeError
from sandbox.kakao.oauth import AuthorizationRequest, Login
from sandbox.kakao.people import PEOPLE, Person, hinted, person_with
from sandbox.kakao.server import KakaoServer

SESSION_COOKIE = "stand-in-session"  # of a user who is signed in at Kakao
NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}  # RFC 6749 sections 5.1 and 5.2


def routes(kakao: KakaoServer) -> list[web.RouteDef]:
    """Return the routes of Kakao Login."""
    endpoints = LoginEndpoints(kakao)
    return [
        web.get("/oauth/authorize", _with_error_page(endpoints.consent_page)),
        web.post("/oauth/authorize", _with_error_page(endpoints.decide)),
        web.get("/oauth/logout", _with_error_page(endpoints.logout)),
        web.post("/oauth/token", endpoints.token),
        web.get("/.well-known/openid-configuration", endpoints.discovery),
        web.get("/.well-known/jwks.json", endpoints.keys),
        web.get(pages.STYLESHEET_PATH, endpoints.stylesheet),
    ]


def _with_error_page(handler: Handler) -> Handler:
    """Answer a refusal with a page at Kakao, never with a redirect: the redirect URI may be an attacker's."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except KoeError as error:
            return pages.error_page(error.koe.status, error.code, error.koe.advice, error.detail)

    return answer


class LoginEndpoints:
    """Translates between HTTP and `oauth`."""

    def __init__(self, kakao: KakaoServer) -> None:
        """Serve this Kakao."""
        self._kakao = kakao

    async def consent_page(self, request: web.Request) -> web.StreamResponse:
        """GET /oauth/authorize."""
        asked = self._authorization_request(request)
        person = self._kakao.signed_in(request.cookies.get(SESSION_COOKIE, ""))
        if oauth.NO_PROMPT in asked.prompts:
            return _redirect(asked.answer(**self._without_page(asked, person)))
        if asked.prompts & {"login", "create"}:
            person = None
        return pages.consent_page(
            f"{request.path}?{urlencode(list(request.query.items()))}",
            self._kakao.app,
            asked,
            people=PEOPLE,
            selected=hinted(asked.login_hint) or person or PEOPLE[0],
        )

    def _without_page(self, asked: AuthorizationRequest, person: Person | None) -> dict[str, str]:
        """Return the answer to `prompt=none`: a code for a user who is signed in at Kakao and connected to the app."""
        if person is None:
            return {"error": "login_required", "error_description": "user login required."}
        connection = self._kakao.connection(person, self._kakao.app.app_id)
        if connection is None:
            return {"error": "consent_required", "error_description": "user consent required."}
        login = Login(person, self._kakao.app, asked.agreed(connection.scopes), nonce=asked.nonce)
        return {"code": self._kakao.new_code(asked, login)}

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """POST /oauth/authorize: the form of the consent page."""
        asked = self._authorization_request(request)
        form = await request.post()
        session = ""
        match form.get("decision"), person_with(form.get("person")):
            case "cancel", _:
                answer = {"error": "access_denied", "error_description": "User denied access"}
            case "agree", person if person:
                scopes = asked.agreed(map(str, form.getall("consent", [])))
                login = Login(person, self._kakao.app, scopes, nonce=asked.nonce)
                answer = {"code": self._kakao.new_code(asked, login)}
                terms = [tag for tag in asked.service_terms if tag in form.getall("terms", [])]
                self._kakao.connect(person, scopes, terms)
                session = self._kakao.begin_session(person)
            case _:
                raise KoeError("KOE001")
        response = _redirect(asked.answer(**answer))
        if session:
            response.set_cookie(SESSION_COOKIE, session, path="/oauth", httponly=True, samesite="Lax")
        return response

    async def token(self, request: web.Request) -> web.StreamResponse:
        """POST /oauth/token."""
        form = await request.post()
        try:
            fields = self._kakao.parameters((name, str(value)) for name, value in form.items())
            return web.json_response(self._kakao.token(fields), headers=NOT_STORED)
        except KoeError as error:
            body = {
                "error": error.koe.error,
                "error_description": error.koe.description,
                "error_code": error.code,
            }
            return web.json_response(body, status=error.koe.status, headers=NOT_STORED)

    async def logout(self, request: web.Request) -> web.StreamResponse:
        """GET /oauth/logout: the browser's session at Kakao ends."""
        target = oauth.check_logout(self._kakao.app, oauth.parameters(request.query.items()))
        self._kakao.end_session(request.cookies.get(SESSION_COOKIE, ""))
        response = _redirect(target)
        response.del_cookie(SESSION_COOKIE, path="/oauth")
        return response

    async def discovery(self, _request: web.Request) -> web.StreamResponse:
        """GET /.well-known/openid-configuration."""
        issuer = self._kakao.issuer
        return web.json_response(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/oauth/authorize",
                "token_endpoint": f"{issuer}/oauth/token",
                "userinfo_endpoint": f"{issuer}/v1/oidc/userinfo",
                "jwks_uri": f"{issuer}/.well-known/jwks.json",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "request_uri_parameter_supported": False,
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "claims_supported": [
                    *("iss", "aud", "sub", "auth_time", "exp", "iat", "nonce", "nickname", "picture", "email")
                ],
            }
        )

    async def keys(self, _request: web.Request) -> web.StreamResponse:
        """GET /.well-known/jwks.json."""
        return web.json_response({"keys": [self._kakao.key.as_dict(private=False)]})

    async def stylesheet(self, _request: web.Request) -> web.StreamResponse:
        """The style of the pages."""
        return web.Response(text=pages.STYLESHEET.read_text(), content_type="text/css")

    def _authorization_request(self, request: web.Request) -> AuthorizationRequest:
        return oauth.check_authorization_request(self._kakao.app, self._kakao.parameters(request.query.items()))


def _redirect(location: str) -> web.Response:
    """Redirect to a URI as it is; HTTPFound would encode it anew, and an app compares its redirect URI exactly."""
    return web.Response(status=302, headers={"Location": location})
