"""What https://kapi.kakao.com serves to the bearer of an access token."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, jsonify, request
from werkzeug.wrappers import Response

from sandbox.kakao.server import KakaoServer, Login


def refusal(status: int, code: int, message: str, **more: object) -> Response:
    """An API error: https://developers.kakao.com/docs/latest/ko/rest-api/reference."""
    answer = jsonify(msg=message, code=code, **more)
    answer.status_code = status
    return answer


def api(kakao: KakaoServer) -> Blueprint:
    """The routes of the user API."""
    routes = Blueprint("api", __name__)

    def bearer() -> tuple[Login, int]:
        """The login of the request's token and the token's remaining seconds; ends the request without one."""
        authorization = request.authorization
        if not authorization or authorization.type != "bearer" or not authorization.token:
            abort(refusal(401, -401, "no authentication key!"))
        return kakao.login_of(authorization.token) or abort(refusal(401, -401, "this access token does not exist"))

    @routes.route("/v1/oidc/userinfo", methods=["GET", "POST"])
    def userinfo() -> Response:
        login, _ = bearer()
        if "openid" not in login.scopes:
            return refusal(403, -402, "insufficient scopes.", required_scopes=["openid"])
        return jsonify(login.claims())

    @routes.route("/v2/user/me", methods=["GET", "POST"])
    def me() -> Response:
        login, _ = bearer()
        return jsonify(account(login))

    @routes.get("/v1/user/access_token_info")
    def access_token_info() -> Response:
        login, remaining = bearer()
        return jsonify(id=login.person.id, expires_in=remaining, app_id=login.app.app_id)

    @routes.post("/v1/user/logout")
    def logout() -> Response:
        login, _ = bearer()
        kakao.end({login})
        return jsonify(id=login.person.id)

    @routes.post("/v1/user/unlink")
    def unlink() -> Response:
        login, _ = bearer()
        kakao.end(kakao.logins(login.person, login.app.app_id))
        return jsonify(id=login.person.id)

    return routes


def account(login: Login) -> dict[str, Any]:
    """The shape of /v2/user/me: what is not agreed to is absent, and its `…_needs_agreement` is true."""
    person, on, agreed = login.person, login.app.scopes, login.scopes
    kakao_account: dict[str, Any] = {}
    if "profile_nickname" in on:
        kakao_account["profile_nickname_needs_agreement"] = "profile_nickname" not in agreed
    if "profile_nickname" in agreed:
        kakao_account["profile"] = {"nickname": person.nickname, "is_default_nickname": False}
    if "account_email" in on:
        kakao_account["has_email"] = person.email is not None
        kakao_account["email_needs_agreement"] = "account_email" not in agreed
    if "account_email" in agreed and person.email:
        kakao_account |= {
            "is_email_valid": True,
            "is_email_verified": person.email_verified,
            "email": person.email,
        }
    return {
        "id": person.id,
        "connected_at": datetime.fromtimestamp(login.auth_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "properties": {"nickname": person.nickname} if "profile_nickname" in agreed else {},
        "kakao_account": kakao_account,
    }
