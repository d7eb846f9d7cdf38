"""Cognito's custom challenge: the answer is a Kakao token, and the profile has to belong to the token's user.

One function serves the three triggers, which follow each other. Any client that knows the client id can start the
challenge for any user name. It ends at once for a name that no Kakao user has, and each answer is checked at Kakao
without trust in any earlier step. An error that reaches Cognito is the code of what is wrong at Kakao: the answer is
then neither right nor wrong.
"""

import logging
import os
import time
from typing import Any

from handlers import bugs, contract, kakao_environment, kakao_user
from handlers.errors import InvalidKakaoTokenError, KakaoError
from handlers.kakao_api import MAX_ID_TOKEN_AGE_SECONDS, Credential

log = logging.getLogger(__name__)

MAX_ROUNDS = 3
TIMEOUT_SECONDS = 1.5  # for Kakao; Cognito waits five seconds for the trigger
# The route POST /api/auth/kakao has accepted the same ID token a few seconds earlier.
MORE_AGE_SECONDS = 10

# Where users sign in at Kakao itself, there is no identity provider to link a profile to.
LINKED_ONLY = contract.ENV_DIRECT_SIGN_IN not in os.environ

KAKAO = kakao_environment.kakao_api(max_id_token_age=MAX_ID_TOKEN_AGE_SECONDS + MORE_AGE_SECONDS)


@bugs.hide(log, KakaoError)
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one trigger."""
    request = event["request"]
    match event["triggerSource"]:
        case "DefineAuthChallenge_Authentication":
            unknown_user = request.get("userNotFound") is True
            rounds = request.get("session") or []
            event["response"] = define_challenge(event["userName"], rounds, unknown_user=unknown_user)
        case "CreateAuthChallenge_Authentication":
            event["response"] = {"publicChallengeParameters": {}, "privateChallengeParameters": {}}
        case "VerifyAuthChallengeResponse_Authentication":
            event["response"] = {"answerCorrect": is_answer_correct(event["userName"], request)}
    return event


def define_challenge(username: object, rounds: list[dict[str, Any]], *, unknown_user: bool) -> dict[str, Any]:
    """Return what follows: another round, tokens after a right answer, or the end after three wrong answers.

    Whether the challenge begins depends on the form of the user name alone, so the response does not tell which
    accounts exist.
    """
    valid = kakao_user.is_username(username) and all(each.get("challengeName") == "CUSTOM_CHALLENGE" for each in rounds)
    right = bool(rounds) and rounds[-1].get("challengeResult") is True
    over = not valid or len(rounds) >= MAX_ROUNDS
    issue_tokens = valid and right and not unknown_user
    return {
        "challengeName": "CUSTOM_CHALLENGE",
        "issueTokens": issue_tokens,
        "failAuthentication": over and not issue_tokens,
    }


def is_answer_correct(username: str, request: dict[str, Any]) -> bool:
    """Return whether the answer is a Kakao token of the profile's user, and the profile has the link that it needs.

    Raises KakaoError where Kakao cannot tell.
    """
    if request.get("userNotFound") is True or not kakao_user.is_username(username):
        return False
    try:
        credential = Credential.from_text(request.get("challengeAnswer"))
        kakao_id = KAKAO.user_id(credential, deadline=time.monotonic() + TIMEOUT_SECONDS)
    except InvalidKakaoTokenError:
        return False
    if username != kakao_user.username(kakao_id):
        return False
    identities = (request.get("userAttributes") or {}).get("identities")
    return not LINKED_ONLY or kakao_user.is_linked(identities, kakao_id)
