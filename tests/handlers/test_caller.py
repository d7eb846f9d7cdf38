"""Who calls is what API Gateway has verified, over HTTP and over the WebSocket."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import contract
from handlers.caller import Caller, caller, groups_in
from handlers.errors import HttpError


def http(**claims: Any) -> dict[str, Any]:
    return {"requestContext": {"authorizer": {"jwt": {"claims": {"sub": "sub-1"} | claims}}}}


def socket(**context: str) -> dict[str, Any]:
    known = {"principalId": "sub-1", "sub": "sub-1", "username": "kakao_1", "provider": "Kakao", "exp": "1"}
    return {"requestContext": {"connectionId": "c", "authorizer": known | context}}


IDENTITIES = '[{"userId":"1","providerName":"Kakao","providerType":"OIDC"}]'


@pytest.mark.parametrize(
    ("claims", "user_name", "provider"),
    [
        ({"cognito:username": "kakao_1", "identities": IDENTITIES}, "kakao_1", "Kakao"),
        ({"cognito:username": "kakao-1", "identities": "[map[providerName:Kakao userId:1]]"}, "kakao-1", "Kakao"),
        ({"cognito:username": "a@example.com"}, "a@example.com", "Cognito"),
        ({"username": "Kakao_1"}, "Kakao_1", "Kakao"),
        ({"username": "kakao-12@example.com"}, "kakao-12@example.com", "Cognito"),
    ],
)
def test_a_token_says_who_it_is_whether_it_is_an_id_token_or_an_access_token(
    claims: dict[str, str], user_name: str, provider: str
) -> None:
    assert caller(http(**claims)) == Caller("sub-1", user_name, provider, ())


def test_a_connection_says_who_it_is() -> None:
    assert caller(socket()) == Caller("sub-1", "kakao_1", "Kakao", ())


@pytest.mark.parametrize("event", [{"requestContext": {}}, {"requestContext": {"authorizer": None}}, http(sub="")])
def test_nobody_is_refused_and_not_taken_for_somebody(event: dict[str, Any]) -> None:
    if "authorizer" in event["requestContext"] and event["requestContext"]["authorizer"]:
        event["requestContext"]["authorizer"]["jwt"]["claims"] = {}
    with pytest.raises(HttpError) as refused:
        caller(event)
    assert refused.value.status == 401


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(contract.ENV_GROUPS, '["admin", "editor"]')


@pytest.mark.parametrize(
    ("claim", "found"),
    [
        ("[admin editor]", ("admin", "editor")),
        ("[editor admin]", ("admin", "editor")),
        ("[admin]", ("admin",)),
        ("admin", ("admin",)),
        ("admin,editor", ("admin", "editor")),
        ("[ap-northeast-2_AbC_Kakao admin]", ("admin",)),
        ("[ap-northeast-2_AbC_Kakao]", ()),
        ("[administrators]", ()),
        ("[Admin]", ()),
        ("[[admin]]", ()),
        ("[not-admin admin-not]", ()),
        ("[]", ()),
        ("", ()),
        (None, ()),
        (["editor", "other"], ("editor",)),
    ],
)
def test_groups_are_those_of_the_setting_by_their_whole_names(declared: None, claim: Any, found: tuple[str]) -> None:
    assert groups_in(claim) == found
    assert caller(http(**{"username": "x", "cognito:groups": claim})).groups == found


def test_without_the_setting_nobody_is_in_a_group() -> None:
    assert groups_in("[admin]") == ()
    assert caller(socket(groups="admin")).groups == ()


NAMES = st.text(st.sampled_from("abAB01_.-"), min_size=1, max_size=6)


@given(names=st.lists(NAMES, unique=True), member=st.data())
def test_whatever_groups_a_token_has_the_gateways_text_gives_them_back(names: list[str], member: st.DataObject) -> None:
    joined = member.draw(st.lists(st.sampled_from(names), unique=True) if names else st.just([]))
    others = member.draw(st.lists(NAMES.filter(lambda name: name not in names), unique=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(contract.ENV_GROUPS, json.dumps(names))
        expected = tuple(name for name in names if name in joined)
        everything = member.draw(st.permutations([*joined, *others]))
        for claim in (f"[{' '.join(everything)}]", ",".join(everything), everything, " ".join(expected)):
            assert groups_in(claim) == expected


@given(st.text())
def test_no_text_makes_a_group_that_is_no_word_of_it(claim: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(contract.ENV_GROUPS, '["admin"]')
        assert groups_in(claim) == () or "admin" in claim
