"""Kakao's endpoints and scopes, and the environments of functions that send browsers to Kakao or ask Kakao."""

import json

import pulumi

from handlers import contract
from infra.inputs import KakaoAppArgs


def endpoints(issuer: str) -> dict[str, str]:
    """Return the endpoints of Kakao Login under the names of Cognito's ProviderDetails.

    Source: the discovery document at `<issuer>/.well-known/openid-configuration`.
    """
    return {
        "authorize_url": f"{issuer}/oauth/authorize",
        "token_url": f"{issuer}/oauth/token",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
    }


def authorization(kakao: KakaoAppArgs) -> dict[str, str]:
    """Return the environment of a function that sends browsers to Kakao."""
    return {
        contract.ENV_KAKAO_AUTHORIZE_URL: endpoints(kakao["issuer"])["authorize_url"],
        contract.ENV_KAKAO_CLIENT_ID: kakao["client_id"],
    }


def logout(kakao: KakaoAppArgs) -> dict[str, str]:
    """Return the environment of a function that sends browsers to Kakao's logout, if the team wants that."""
    return {contract.ENV_KAKAO_LOGOUT_URL: f"{kakao['issuer']}/oauth/logout"} if kakao["logout"] else {}


def scopes(kakao: KakaoAppArgs) -> str:
    """Return the scopes to request: those of the setting, and those of the consents that are mapped."""
    mapped = [scope for consent in kakao["attributes"] for scope in contract.KAKAO_CONSENTS[consent]]
    return " ".join(dict.fromkeys([*kakao["scopes"].split(), *mapped]))


def user_info(kakao: KakaoAppArgs) -> dict[str, str]:
    """Return the environment of a function that asks Kakao about a user; no variable where a default holds."""
    app_id = {contract.ENV_KAKAO_APP_ID: kakao["app_id"]} if kakao["app_id"] else {}
    return {contract.ENV_KAKAO_API: kakao["api"], **app_id, **attributes(kakao)}


def attributes(kakao: KakaoAppArgs) -> dict[str, str]:
    """Return the mapping of consents for the environment of a function, if there is one."""
    return {contract.ENV_KAKAO_ATTRIBUTES: json.dumps(dict(kakao["attributes"]))} if kakao["attributes"] else {}


def token_checks(kakao: KakaoAppArgs) -> dict[str, str]:
    """Return the environment of a function that verifies tokens which Kakao issued to this app."""
    direct = {contract.ENV_DIRECT_SIGN_IN: "true"} if kakao["sign_in"] == contract.DIRECT else {}
    return {
        **direct,
        contract.ENV_KAKAO_API: kakao["api"],
        contract.ENV_KAKAO_APP_ID: kakao["app_id"],
        contract.ENV_KAKAO_APP_KEYS: json.dumps([kakao["client_id"], *kakao["app_keys"]]),
        contract.ENV_KAKAO_ISSUER: kakao["issuer"],
        contract.ENV_KAKAO_JWKS_URL: endpoints(kakao["issuer"])["jwks_uri"],
    }


def web_sign_in(kakao: KakaoAppArgs) -> dict[str, pulumi.Input[str]]:
    """Return the environment of the function that redeems Kakao's codes, for tokens of the REST API key alone."""
    return {
        **token_checks({**kakao, "app_keys": []}),
        **authorization(kakao),
        contract.ENV_KAKAO_TOKEN_URL: endpoints(kakao["issuer"])["token_url"],
        contract.ENV_KAKAO_CLIENT_SECRET: pulumi.Output.secret(kakao["client_secret"]),
        contract.ENV_KAKAO_SCOPES: scopes(kakao),
        **attributes(kakao),
    }
