"""Kakao's endpoints, and the environments of functions that send browsers to Kakao or verify Kakao's tokens."""

import json

import pulumi

from handlers import contract
from infra.inputs import KakaoAppArgs


def endpoints(issuer: str, api: str) -> dict[str, str]:
    """Return Kakao's endpoints under the names of Cognito's ProviderDetails.

    Source: the discovery document at `<issuer>/.well-known/openid-configuration`.
    """
    return {
        "authorize_url": f"{issuer}/oauth/authorize",
        "token_url": f"{issuer}/oauth/token",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "attributes_url": f"{api}/v1/oidc/userinfo",
    }


def authorization(kakao: KakaoAppArgs) -> dict[str, str]:
    """Return the environment of a function that sends browsers to Kakao."""
    return {
        contract.ENV_KAKAO_AUTHORIZE_URL: endpoints(kakao["issuer"], kakao["api"])["authorize_url"],
        contract.ENV_KAKAO_CLIENT_ID: kakao["client_id"],
    }


def logout(kakao: KakaoAppArgs) -> dict[str, str]:
    """Return the environment of a function that sends browsers to Kakao's logout, if the team wants that."""
    return {contract.ENV_KAKAO_LOGOUT_URL: f"{kakao['issuer']}/oauth/logout"} if kakao["logout"] else {}


def token_checks(kakao: KakaoAppArgs) -> dict[str, str]:
    """Return the environment of a function that verifies tokens which Kakao issued to this app."""
    direct = {contract.ENV_DIRECT_SIGN_IN: "true"} if kakao["sign_in"] == contract.DIRECT else {}
    return {
        **direct,
        contract.ENV_KAKAO_API: kakao["api"],
        contract.ENV_KAKAO_APP_ID: kakao["app_id"],
        contract.ENV_KAKAO_APP_KEYS: json.dumps([kakao["client_id"], *kakao["app_keys"]]),
        contract.ENV_KAKAO_ISSUER: kakao["issuer"],
        contract.ENV_KAKAO_JWKS_URL: endpoints(kakao["issuer"], kakao["api"])["jwks_uri"],
    }


def web_sign_in(kakao: KakaoAppArgs) -> dict[str, pulumi.Input[str]]:
    """Return the environment of the function that redeems Kakao's codes, for tokens of the REST API key alone."""
    return {
        **token_checks({**kakao, "app_keys": []}),
        **authorization(kakao),
        contract.ENV_KAKAO_TOKEN_URL: endpoints(kakao["issuer"], kakao["api"])["token_url"],
        contract.ENV_KAKAO_CLIENT_SECRET: pulumi.Output.secret(kakao["client_secret"]),
        contract.ENV_KAKAO_SCOPES: kakao["scopes"],
    }
