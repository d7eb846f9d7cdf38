"""The Kakao API as the environment variables of a function describe it."""

import json
import os

from handlers import contract
from handlers.id_token import IdTokenVerifier
from handlers.jwks import Jwks
from handlers.kakao_api import MAX_ID_TOKEN_AGE_SECONDS, KakaoApi


def kakao_api(*, max_id_token_age: int = MAX_ID_TOKEN_AGE_SECONDS) -> KakaoApi:
    """Return the client for the Kakao API; `max_id_token_age` is in seconds."""
    id_tokens = IdTokenVerifier(
        issuer=os.environ[contract.ENV_KAKAO_ISSUER],
        audiences=json.loads(os.environ[contract.ENV_KAKAO_APP_KEYS]),
        jwks=Jwks(os.environ[contract.ENV_KAKAO_JWKS_URL]),
    )
    return KakaoApi(
        os.environ[contract.ENV_KAKAO_API],
        app_id=int(os.environ[contract.ENV_KAKAO_APP_ID]),
        id_tokens=id_tokens,
        max_id_token_age=max_id_token_age,
    )
