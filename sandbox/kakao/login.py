"""What https://kauth.kakao.com serves: the consent page, tokens, sign-out, discovery."""

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError
from authlib.oidc.core.errors import LoginRequiredError
from flask import Blueprint, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from sandbox.kakao.errors import KOE, KoeError
from sandbox.kakao.people import PEOPLE, person_with
from sandbox.kakao.server import KakaoServer, Login

CONSENT_ITEMS = {"profile_nickname": "닉네임", "profile_image": "프로필 사진", "account_email": "카카오계정(이메일)"}

PAGE_HEADERS = {
    # No form-action: Chromium holds each redirect after the form against it, up to the site of the app.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def login(kakao: KakaoServer) -> Blueprint:
    """The routes of Kakao Login."""
    routes = Blueprint("login", __name__)

    @routes.errorhandler(OAuth2Error)
    def error_page(error: OAuth2Error) -> ResponseReturnValue:
        """A refusal that stays at Kakao: the redirect URI may be anybody's."""
        refusal = kakao.koe(error)
        page = render_template("error.html", code=refusal.code, advice=KOE[refusal.code].advice, detail=refusal.detail)
        return page, refusal.status_code, PAGE_HEADERS

    @routes.get("/oauth/authorize")
    def ask() -> ResponseReturnValue:
        grant = kakao.get_consent_grant()
        payload = grant.request.payload
        if payload.data.get("prompt") == "none":  # nobody stays signed in at the stand-in
            error = LoginRequiredError(state=payload.state, redirect_uri=grant.redirect_uri)
            return back_to_app(error)
        items = [scope for scope in payload.scope.split() if scope != "openid"]
        page = render_template(
            "consent.html",
            app_id=kakao.app.app_id,
            people=PEOPLE,
            items=[(item, CONSENT_ITEMS.get(item, item)) for item in items],
        )
        return page, PAGE_HEADERS

    @routes.post("/oauth/authorize")
    def decide() -> Response:
        grant = kakao.get_consent_grant()
        payload = grant.request.payload
        if request.form.get("decision") == "cancel":
            error = AccessDeniedError("User denied access", state=payload.state, redirect_uri=grant.redirect_uri)
            return back_to_app(error)
        person = person_with(request.form.get("person"))
        if person is None or request.form.get("decision") != "agree":
            raise KoeError("KOE001")
        agreed = {"openid", *request.form.getlist("consent")}
        scopes = tuple(scope for scope in payload.scope.split() if scope in agreed)
        decision = Login(person, kakao.app, scopes, nonce=payload.data.get("nonce"))
        answer: Response = kakao.create_authorization_response(grant=grant, grant_user=decision)
        return answer

    @routes.post("/oauth/token")
    def token() -> Response:
        answer: Response = kakao.create_token_response()
        return answer

    @routes.get("/oauth/logout")
    def logout() -> Response:
        if request.args.get("client_id") != kakao.app.client_id:
            raise KoeError("KOE101")
        target = request.args.get("logout_redirect_uri", "")
        if target not in kakao.app.logout_redirect_uris:
            raise KoeError("KOE007", target)
        state = request.args.get("state")
        return redirect(add_params_to_uri(target, [("state", state)] if state else []))

    @routes.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        return jsonify(
            issuer=kakao.issuer,
            authorization_endpoint=f"{kakao.issuer}/oauth/authorize",
            token_endpoint=f"{kakao.issuer}/oauth/token",
            userinfo_endpoint=f"{kakao.issuer}/v1/oidc/userinfo",
            jwks_uri=f"{kakao.issuer}/.well-known/jwks.json",
            token_endpoint_auth_methods_supported=["client_secret_post"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["RS256"],
            request_uri_parameter_supported=False,
            response_types_supported=["code"],
            response_modes_supported=["query"],
            grant_types_supported=["authorization_code", "refresh_token"],
            code_challenge_methods_supported=["S256"],
            claims_supported=[
                *("iss", "aud", "sub", "auth_time", "exp", "iat", "nonce", "nickname", "picture", "email")
            ],
        )

    @routes.get("/.well-known/jwks.json")
    def jwks() -> Response:
        return jsonify(keys=[kakao.key.as_dict(private=False)])

    return routes


def back_to_app(error: OAuth2Error) -> Response:
    """A redirect that tells the app of the error; its redirect URI has been checked."""
    status, _, headers = error()
    return Response(status=status, headers=headers)
