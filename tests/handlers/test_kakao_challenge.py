"""The triggers of the custom challenge, with events in the shapes of Cognito's developer guide."""

import json
import string
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import errors

NAME = "kakao-1"
LINKED = json.dumps([{"userId": "1", "providerName": "Kakao"}])
ANSWER = json.dumps({"access_token": "token"})
RIGHT = {"challengeName": "CUSTOM_CHALLENGE", "challengeResult": True}
WRONG = RIGHT | {"challengeResult": False}
PASSWORD = {"challengeName": "PASSWORD_VERIFIER", "challengeResult": True}
AGAIN = {"challengeName": "CUSTOM_CHALLENGE", "issueTokens": False, "failAuthentication": False}
TOKENS = AGAIN | {"issueTokens": True}
OVER = AGAIN | {"failAuthentication": True}


@pytest.fixture
def kakao_requests(kakao_challenge: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests to Kakao. It answers with the user 1, or raises the first item of the list, if that is an error."""
    asked: list[Any] = []

    def user_id(credential: Any, *, deadline: float) -> str:
        if asked and isinstance(asked[0], Exception):
            raise asked[0]
        asked.append(credential)
        return "1"

    monkeypatch.setattr(kakao_challenge.KAKAO, "user_id", user_id)
    return asked


def defined(kakao_challenge: ModuleType, *session: dict[str, Any], name: Any = NAME, **more: Any) -> Any:
    event = {"triggerSource": "DefineAuthChallenge_Authentication", "userName": name, "response": {}}
    return kakao_challenge.handler(event | {"request": {"session": list(session), **more}}, None)["response"]


def verified(kakao_challenge: ModuleType, *, name: str = NAME, **more: Any) -> Any:
    known = {"userAttributes": {"identities": LINKED}, "challengeAnswer": ANSWER, "privateChallengeParameters": {}}
    event = {"triggerSource": "VerifyAuthChallengeResponse_Authentication", "userName": name, "response": {}}
    return kakao_challenge.handler(event | {"request": known | more}, None)["response"]


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        ([], AGAIN),
        ([RIGHT], TOKENS),
        ([WRONG], AGAIN),
        ([WRONG, WRONG], AGAIN),
        ([WRONG, WRONG, RIGHT], TOKENS),
        ([WRONG, WRONG, WRONG], OVER),
        ([RIGHT, WRONG], AGAIN),
        ([PASSWORD], OVER),
        ([PASSWORD, RIGHT], OVER),
        ([{"challengeName": "SRP_A", "challengeResult": True}], OVER),
        ([RIGHT | {"challengeResult": "true"}], AGAIN),
        ([{}], OVER),
    ],
)
def test_a_correct_answer_gives_tokens_and_three_wrong_answers_end_the_challenge(
    kakao_challenge: ModuleType, session: list[dict[str, Any]], expected: dict[str, Any]
) -> None:
    assert defined(kakao_challenge, *session) == expected


def test_a_challenge_without_a_session_starts_the_first_round(kakao_challenge: ModuleType) -> None:
    assert defined(kakao_challenge, session=None) == AGAIN


def test_no_tokens_are_issued_for_a_user_who_does_not_exist(kakao_challenge: ModuleType) -> None:
    """Cognito runs the challenge for one all the same (prevent_user_existence_errors)."""
    assert defined(kakao_challenge, RIGHT, userNotFound=True) == AGAIN
    assert defined(kakao_challenge, WRONG, WRONG, RIGHT, userNotFound=True) == OVER


@given(name=st.from_regex(r"kakao-[1-9][0-9]{0,18}", fullmatch=True, alphabet=string.printable))
def test_the_challenge_starts_for_the_user_name_of_a_kakao_user(name: str) -> None:
    from handlers import kakao_challenge

    assert defined(kakao_challenge, name=name) == AGAIN
    assert defined(kakao_challenge, RIGHT, name=name.upper()) == TOKENS


NOT_KAKAO = [
    "person@example.com",
    "kakao_1",
    "kakao-",
    "kakao-0",
    "kakao-01",
    "kakao-1\n",
    "kakao-１",
    "akakao-1",
    "\u212aakao-1",
    "",
    None,
]


@pytest.mark.parametrize("session", [[], [WRONG], [RIGHT]])
@pytest.mark.parametrize("name", NOT_KAKAO)
def test_the_challenge_ends_at_once_for_any_other_user_name_existing_or_not(
    kakao_challenge: ModuleType, name: Any, session: list[dict[str, Any]]
) -> None:
    known = defined(kakao_challenge, *session, name=name)
    assert known == defined(kakao_challenge, *session, name=name, userNotFound=True) == OVER


@given(name=st.text())
def test_no_other_user_name_gets_tokens(name: str) -> None:
    from handlers import kakao_challenge

    if not name.lower().startswith("kakao-"):
        assert defined(kakao_challenge, RIGHT, name=name) == OVER


@pytest.mark.parametrize("name", NOT_KAKAO)
def test_an_answer_for_any_other_user_name_is_wrong_without_a_request_to_kakao(
    kakao_challenge: ModuleType, kakao_requests: list[Any], name: Any
) -> None:
    assert verified(kakao_challenge, name=name) == {"answerCorrect": False}
    assert kakao_requests == []


def test_the_challenge_accepts_id_tokens_for_longer_than_the_route(
    kakao_challenge: ModuleType, kakao_sign_in: ModuleType
) -> None:
    assert (
        kakao_challenge.KAKAO._max_id_token_age > kakao_sign_in.KAKAO._max_id_token_age + kakao_sign_in.TIMEOUT_SECONDS
    )


def test_the_challenge_parameters_are_empty(kakao_challenge: ModuleType) -> None:
    event = {"triggerSource": "CreateAuthChallenge_Authentication", "userName": NAME, "request": {}, "response": {}}
    answer = kakao_challenge.handler(event, None)
    assert answer["response"] == {"publicChallengeParameters": {}, "privateChallengeParameters": {}}


def test_a_token_of_the_profiles_user_is_the_correct_answer(
    kakao_challenge: ModuleType, kakao_requests: list[Any]
) -> None:
    assert verified(kakao_challenge) == {"answerCorrect": True}


@pytest.mark.parametrize("name", ["kakao-2", "kakao-11", "Kakao_1", "1", "person@example.com"])
def test_a_token_is_a_wrong_answer_for_the_profile_of_another_user(
    kakao_challenge: ModuleType, kakao_requests: list[Any], name: str
) -> None:
    assert verified(kakao_challenge, name=name) == {"answerCorrect": False}


@pytest.mark.parametrize("attributes", [{}, {"identities": "[]"}, {"identities": LINKED.replace("1", "2")}, None])
def test_a_profile_without_a_link_to_the_kakao_user_accepts_no_answer(
    kakao_challenge: ModuleType, kakao_requests: list[Any], attributes: dict[str, str] | None
) -> None:
    assert verified(kakao_challenge, userAttributes=attributes) == {"answerCorrect": False}


@pytest.mark.parametrize("answer", [None, "", "token", '{"access_token": ["token"]}'])
def test_a_malformed_answer_is_wrong_without_a_request_to_kakao(
    kakao_challenge: ModuleType, kakao_requests: list[Any], answer: Any
) -> None:
    assert verified(kakao_challenge, challengeAnswer=answer) == {"answerCorrect": False}
    assert verified(kakao_challenge, userNotFound=True) == {"answerCorrect": False}
    assert kakao_requests == []


def test_a_token_that_kakao_refuses_is_a_wrong_answer(kakao_challenge: ModuleType, kakao_requests: list[Any]) -> None:
    kakao_requests.append(errors.InvalidKakaoTokenError())
    assert verified(kakao_challenge) == {"answerCorrect": False}


def test_a_failure_of_kakao_is_an_error_with_a_code_and_no_wrong_answer(
    kakao_challenge: ModuleType, kakao_requests: list[Any]
) -> None:
    kakao_requests.append(errors.KakaoThrottledError())
    with pytest.raises(errors.KakaoThrottledError) as failed:
        verified(kakao_challenge)
    assert str(failed.value) == "kakao_throttled"


def test_a_second_call_with_the_same_event_changes_nothing(
    kakao_challenge: ModuleType, kakao_requests: list[Any]
) -> None:
    for session in ([], [WRONG], [WRONG, WRONG, RIGHT]):
        assert defined(kakao_challenge, *session) == defined(kakao_challenge, *session)
    assert verified(kakao_challenge) == verified(kakao_challenge) == {"answerCorrect": True}


def test_without_an_identity_provider_a_profile_needs_no_link(
    kakao_challenge: ModuleType, kakao_requests: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    unlinked: dict[str, Any] = {"userAttributes": {}}
    assert verified(kakao_challenge, **unlinked) == {"answerCorrect": False}
    monkeypatch.setattr(kakao_challenge, "LINKED_ONLY", False)
    assert verified(kakao_challenge, **unlinked) == {"answerCorrect": True}
    assert verified(kakao_challenge, name="kakao-2", **unlinked) == {"answerCorrect": False}
