"""The user is the one that API Gateway has verified, over HTTP and over the WebSocket."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import contract
from handlers.caller import Caller, caller, groups_in
from handlers.errors import HttpError


def http(**claims: Any) -> dict[str, Any]:
    return {"requestContext": {"authorizer": {"jwt": {"claims": {"sub": "sub-1"} | claims}}}}


def socket(event_type: str = "CONNECT", **context: str) -> dict[str, Any]:
    known = {"principalId": "sub-1", "sub": "sub-1", "username": "kakao_1", "provider": "Kakao", "exp": "9999999999"}
    return {"requestContext": {"connectionId": "c", "eventType": event_type, "authorizer": known | context}}


IDENTITIES = '[{"userId":"1","providerName":"Kakao","providerType":"OIDC"}]'


@pytest.mark.parametrize(
    ("claims", "user_name", "provider"),
    [
        ({"cognito:username": "kakao_1", "identities": IDENTITIES}, "kakao_1", "Kakao"),
        ({"cognito:username": "kakao-1", "identities": "[map[providerName:Kakao userId:1]]"}, "kakao-1", "Kakao"),
        ({"cognito:username": "a@example.com"}, "a@example.com", "Cognito"),
        ({"username": "Kakao_1"}, "Kakao_1", "Kakao"),
        ({"username": "kakao-12@example.com"}, "kakao-12@example.com", "Cognito"),
        ({"username": "\u212aa\u212aao-1"}, "\u212aa\u212aao-1", "Cognito"),  # U+212A lower-cases to k
        ({"username": "kakao-0"}, "kakao-0", "Cognito"),  # no Kakao ID
        ({"username": f"kakao-{10**19}"}, f"kakao-{10**19}", "Cognito"),
    ],
)
def test_the_user_is_read_from_an_id_token_and_from_an_access_token(
    claims: dict[str, str], user_name: str, provider: str
) -> None:
    assert caller(http(**claims)) == Caller("sub-1", user_name, provider, ())


@pytest.mark.parametrize("event_type", ["CONNECT", "MESSAGE", "DISCONNECT"])
def test_the_user_is_read_from_the_context_of_a_connection(event_type: str) -> None:
    assert caller(socket(event_type)) == Caller("sub-1", "kakao_1", "Kakao", ())


def test_a_message_after_the_tokens_expiry_has_no_user() -> None:
    with pytest.raises(HttpError) as refused:
        caller(socket("MESSAGE", exp=str(int(time.time()))))
    assert refused.value.status == 401
    assert caller(socket("MESSAGE", exp=str(int(time.time()) + 60))).sub == "sub-1"


def test_a_disconnect_after_the_tokens_expiry_still_has_its_user() -> None:
    assert caller(socket("DISCONNECT", exp="1")).sub == "sub-1"


@pytest.mark.parametrize("event", [{"requestContext": {}}, {"requestContext": {"authorizer": None}}, http(sub="")])
def test_a_request_without_a_user_is_refused_with_401(event: dict[str, Any]) -> None:
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
        ("admin editor", ("admin", "editor")),
        ("[viewers,admin]", ()),
        ("admin,editor", ()),
        ("[x\tadmin x\u00a0admin]", ()),
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
def test_only_whole_names_of_the_setting_count_as_groups(declared: None, claim: Any, found: tuple[str]) -> None:
    assert groups_in(claim) == found
    assert caller(http(**{"username": "x", "cognito:groups": claim})).groups == found


def test_without_the_setting_no_user_is_in_a_group() -> None:
    assert groups_in("[admin]") == ()
    assert caller(socket(groups="admin")).groups == ()


NAMES = st.text(st.sampled_from("abAB01_.-"), min_size=1, max_size=6)


@given(names=st.lists(NAMES, unique=True), member=st.data())
def test_groups_survive_the_text_format_of_the_gateway(names: list[str], member: st.DataObject) -> None:
    joined = member.draw(st.lists(st.sampled_from(names), unique=True) if names else st.just([]))
    others = member.draw(st.lists(NAMES.filter(lambda name: name not in names), unique=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(contract.ENV_GROUPS, json.dumps(names))
        expected = tuple(name for name in names if name in joined)
        everything = member.draw(st.permutations([*joined, *others]))
        for claim in (f"[{' '.join(everything)}]", everything, " ".join(expected)):
            assert groups_in(claim) == expected


# CreateGroup takes letters, marks, symbols, numbers and punctuation: also commas, quotes and brackets, but no space.
COGNITO_NAMES = st.one_of(
    st.lists(st.sampled_from(["admin", "editor", ",", "[", "]", '"', "-"]), min_size=2, max_size=5).map("".join),
    st.text(st.characters(categories=["L", "M", "S", "N", "P"]), min_size=1, max_size=6),
)


@given(st.lists(COGNITO_NAMES.filter(lambda name: name not in ("admin", "editor")), max_size=4), st.booleans())
def test_a_group_created_in_cognito_never_counts_as_one_of_the_setting(names: list[str], is_editor: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(contract.ENV_GROUPS, '["admin", "editor"]')
        names = [*names, *(["editor"] if is_editor else [])]
        for claim in (f"[{' '.join(names)}]", names):
            assert groups_in(claim) == (("editor",) if is_editor else ())


@given(st.text())
def test_a_group_is_found_only_where_the_claim_contains_its_name(claim: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(contract.ENV_GROUPS, '["admin"]')
        assert groups_in(claim) == () or "admin" in claim
