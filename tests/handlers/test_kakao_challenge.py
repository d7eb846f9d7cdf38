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
def vouched(kakao_challenge: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What Kakao was asked; it answers with the person 1, or raises what the list holds as its first member."""
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
def test_a_right_answer_gives_tokens_and_three_wrong_ones_end_it(
    kakao_challenge: ModuleType, session: list[dict[str, Any]], expected: dict[str, Any]
) -> None:
    assert defined(kakao_challenge, *session) == expected


def test_the_first_round_follows_no_other(kakao_challenge: ModuleType) -> None:
    assert defined(kakao_challenge, session=None) == AGAIN


def test_nobody_gets_tokens_for_a_user_who_does_not_exist(kakao_challenge: ModuleType) -> None:
    """Cognito goes through the motions for one (prevent_user_existence_errors)."""
    assert defined(kakao_challenge, RIGHT, userNotFound=True) == AGAIN
    assert defined(kakao_challenge, WRONG, WRONG, RIGHT, userNotFound=True) == OVER


@given(name=st.from_regex(r"kakao-[1-9][0-9]{0,18}", fullmatch=True, alphabet=string.printable))
def test_the_challenge_begins_for_the_name_of_a_kakao_user(name: str) -> None:
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
def test_the_challenge_ends_at_once_for_any_other_name_whether_or_not_there_is_such_an_account(
    kakao_challenge: ModuleType, name: Any, session: list[dict[str, Any]]
) -> None:
    known = defined(kakao_challenge, *session, name=name)
    assert known == defined(kakao_challenge, *session, name=name, userNotFound=True) == OVER


@given(name=st.text())
def test_no_other_name_gets_tokens(name: str) -> None:
    from handlers import kakao_challenge

    if not name.lower().startswith("kakao-"):
        assert defined(kakao_challenge, RIGHT, name=name) == OVER


@pytest.mark.parametrize("name", NOT_KAKAO)
def test_kakao_is_not_asked_about_an_answer_for_any_other_name(
    kakao_challenge: ModuleType, vouched: list[Any], name: Any
) -> None:
    assert verified(kakao_challenge, name=name) == {"answerCorrect": False}
    assert vouched == []


def test_an_id_token_that_the_route_took_a_moment_ago_is_not_too_old_for_the_challenge(
    kakao_challenge: ModuleType, kakao_sign_in: ModuleType
) -> None:
    assert (
        kakao_challenge.KAKAO._max_id_token_age > kakao_sign_in.KAKAO._max_id_token_age + kakao_sign_in.TIMEOUT_SECONDS
    )


def test_the_challenge_tells_nothing(kakao_challenge: ModuleType) -> None:
    event = {"triggerSource": "CreateAuthChallenge_Authentication", "userName": NAME, "request": {}, "response": {}}
    answer = kakao_challenge.handler(event, None)
    assert answer["response"] == {"publicChallengeParameters": {}, "privateChallengeParameters": {}}


def test_a_token_of_the_profiles_person_is_the_right_answer(kakao_challenge: ModuleType, vouched: list[Any]) -> None:
    assert verified(kakao_challenge) == {"answerCorrect": True}


@pytest.mark.parametrize("name", ["kakao-2", "kakao-11", "Kakao_1", "1", "person@example.com"])
def test_a_token_opens_its_own_persons_profile_and_no_other(
    kakao_challenge: ModuleType, vouched: list[Any], name: str
) -> None:
    assert verified(kakao_challenge, name=name) == {"answerCorrect": False}


@pytest.mark.parametrize("attributes", [{}, {"identities": "[]"}, {"identities": LINKED.replace("1", "2")}, None])
def test_a_profile_on_which_hosted_sign_ins_would_not_land_opens_to_nobody(
    kakao_challenge: ModuleType, vouched: list[Any], attributes: dict[str, str] | None
) -> None:
    assert verified(kakao_challenge, userAttributes=attributes) == {"answerCorrect": False}


@pytest.mark.parametrize("answer", [None, "", "token", '{"access_token": ["token"]}'])
def test_anything_else_is_wrong_and_kakao_is_not_asked(
    kakao_challenge: ModuleType, vouched: list[Any], answer: Any
) -> None:
    assert verified(kakao_challenge, challengeAnswer=answer) == {"answerCorrect": False}
    assert verified(kakao_challenge, userNotFound=True) == {"answerCorrect": False}
    assert vouched == []


def test_a_token_that_kakao_does_not_know_is_wrong(kakao_challenge: ModuleType, vouched: list[Any]) -> None:
    vouched.append(errors.InvalidKakaoTokenError())
    assert verified(kakao_challenge) == {"answerCorrect": False}


def test_a_kakao_that_cannot_say_is_no_wrong_answer_and_the_reason_is_a_code(
    kakao_challenge: ModuleType, vouched: list[Any]
) -> None:
    vouched.append(errors.KakaoThrottledError())
    with pytest.raises(errors.KakaoThrottledError) as failed:
        verified(kakao_challenge)
    assert str(failed.value) == "kakao_throttled"


def test_being_called_twice_is_being_called_once(kakao_challenge: ModuleType, vouched: list[Any]) -> None:
    for session in ([], [WRONG], [WRONG, WRONG, RIGHT]):
        assert defined(kakao_challenge, *session) == defined(kakao_challenge, *session)
    assert verified(kakao_challenge) == verified(kakao_challenge) == {"answerCorrect": True}


def test_without_an_identity_provider_a_profile_needs_no_link(
    kakao_challenge: ModuleType, vouched: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    unlinked: dict[str, Any] = {"userAttributes": {}}
    assert verified(kakao_challenge, **unlinked) == {"answerCorrect": False}
    monkeypatch.setattr(kakao_challenge, "LINKED_ONLY", False)
    assert verified(kakao_challenge, **unlinked) == {"answerCorrect": True}
    assert verified(kakao_challenge, name="kakao-2", **unlinked) == {"answerCorrect": False}
