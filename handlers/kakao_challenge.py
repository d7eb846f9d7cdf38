"""Cognito's custom challenge: whoever has a Kakao token of our app's is that Kakao person, and nobody else.

One function for three triggers, since they follow each other. Anybody who knows the public client may begin the
challenge for any user name. It ends at once for a name that is no Kakao user's, and relies on nothing that came before:
the answer is a Kakao token, and Kakao is asked whose it is. An error that reaches Cognito is the code of what is wrong
with Kakao, and no answer at all.
"""

import logging
import time
from typing import Any

from handlers import bugs, kakao

log = logging.getLogger(__name__)

ROUNDS = 3
SECONDS = 1.5  # for Kakao to answer; Cognito gives a trigger five
MORE_AGE = 10  # seconds since the route has judged the same ID token, at most

KAKAO = kakao.from_environment(max_age=kakao.MAX_ID_TOKEN_AGE + MORE_AGE)


@bugs.hidden(log, kakao.KakaoError)
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one trigger."""
    request = event["request"]
    match event["triggerSource"]:
        case "DefineAuthChallenge_Authentication":
            unknown = request.get("userNotFound") is True
            event["response"] = defined(event["userName"], request.get("session") or [], unknown=unknown)
        case "CreateAuthChallenge_Authentication":
            event["response"] = {"publicChallengeParameters": {}, "privateChallengeParameters": {}}
        case "VerifyAuthChallengeResponse_Authentication":
            event["response"] = {"answerCorrect": verified(event["userName"], request)}
    return event


def defined(user_name: object, rounds: list[dict[str, Any]], *, unknown: bool) -> dict[str, Any]:
    """Return what comes next: another round, tokens after a right answer, or the end after three wrong ones.

    Only the shape of the name decides whether the challenge begins, so that nobody learns here which accounts exist.
    """
    ours = kakao.is_user_name(user_name) and all(one.get("challengeName") == "CUSTOM_CHALLENGE" for one in rounds)
    right = bool(rounds) and rounds[-1].get("challengeResult") is True
    over = not ours or len(rounds) >= ROUNDS
    tokens = ours and right and not unknown
    return {
        "challengeName": "CUSTOM_CHALLENGE",
        "issueTokens": tokens,
        "failAuthentication": over and not tokens,
    }


def verified(user_name: str, request: dict[str, Any]) -> bool:
    """Whether the answer is a token of the person whose profile this is, and hosted sign-ins come here as well."""
    if request.get("userNotFound") is True or not kakao.is_user_name(user_name):
        return False
    try:
        credential = kakao.Credential.from_text(request.get("challengeAnswer"))
        person = KAKAO.person(credential, deadline=time.monotonic() + SECONDS)
    except kakao.InvalidKakaoTokenError:
        return False
    identities = (request.get("userAttributes") or {}).get("identities")
    return user_name == kakao.user_name(person) and kakao.linked(identities, person)
