"""The decisions of the Kakao stand-in about a request, without HTTP."""

import re
import string
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.kakao import PEOPLE
from sandbox.kakao.consents import CONSENT_ITEMS, claims, user_me
from sandbox.kakao.errors import KoeError
from sandbox.kakao.oauth import (
    AuthorizationRequest,
    Code,
    KakaoApp,
    Login,
    check_authorization_request,
    check_code,
    parameters,
)
from sandbox.pkce import s256

REDIRECT = "https://app.example/callback"
APP = KakaoApp("key", "secret", 1, (REDIRECT,))
ASKED = {"response_type": "code", "client_id": "key", "redirect_uri": REDIRECT}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
VERIFIER = st.text(string.ascii_letters + string.digits + "._~-", min_size=43, max_size=128)


def refusal(check, *arguments):
    with pytest.raises(KoeError) as refused:
        check(*arguments)
    return refused.value.code


@given(st.lists(st.tuples(TEXT, TEXT)))
def test_a_repeated_parameter_is_refused(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) == len(names):
        assert parameters(pairs) == dict(pairs)
    else:
        assert refusal(parameters, pairs) == "KOE001"
    assert refusal(parameters, [*pairs, ("state", ""), ("state", "")]) == "KOE001"


def test_a_parameter_without_a_value_counts_as_omitted():
    assert parameters([("state", ""), ("scope", "openid")]) == {"scope": "openid"}


@given(TEXT, st.sampled_from([REDIRECT, f"{REDIRECT}?a=b", f"{REDIRECT}?"]))
def test_the_response_keeps_the_state_and_only_appends_to_the_query(state, redirect_uri):
    location = AuthorizationRequest(redirect_uri, ("openid",), state=state).answer(code="c")
    assert location.startswith(redirect_uri.rstrip("?"))
    assert parse_qsl(urlsplit(location).query)[-2:] == [("code", "c"), ("state", state)]


@pytest.mark.parametrize("scope", ["openid account_email", "openid,account_email", " openid,  account_email ,"])
def test_scopes_are_separated_by_spaces_or_commas(scope):
    assert check_authorization_request(APP, ASKED | {"scope": scope}).scopes == ("openid", "account_email")


@pytest.mark.parametrize("scope", [None, " ", ","])
def test_without_a_scope_the_app_gets_all_enabled_scopes(scope):
    assert check_authorization_request(APP, ASKED | ({"scope": scope} if scope else {})).scopes == APP.scopes


@given(VERIFIER, VERIFIER)
def test_a_code_accepts_only_the_verifier_of_its_challenge(verifier, other):
    request = check_authorization_request(APP, ASKED | {"code_challenge": s256(verifier)})
    code = Code(Login(PEOPLE[0], APP, request.scopes), REDIRECT, request.code_challenge)
    form = {"code": "c", "redirect_uri": REDIRECT}
    assert check_code(code, form | {"code_verifier": verifier}) is code
    assert refusal(check_code, code, form) == "KOE001"
    if other != verifier:
        assert refusal(check_code, code, form | {"code_verifier": other}) == "KOE320"


@given(st.text().filter(lambda text: not re.fullmatch("[A-Za-z0-9._~-]{43,128}", text)))
def test_a_challenge_or_verifier_outside_the_grammar_is_refused(text):
    assert refusal(check_authorization_request, APP, ASKED | {"code_challenge": text}) == "KOE001"
    code = Code(Login(PEOPLE[0], APP, ("openid",)), REDIRECT, s256("v" * 43))
    form = {"code": "c", "redirect_uri": REDIRECT, "code_verifier": text}
    assert refusal(check_code, code, form) == "KOE001"


def test_the_challenge_is_the_one_of_rfc_7636_appendix_b():
    assert s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


# What an app learns of a user

EVERYTHING = KakaoApp("key", "secret", 1, (REDIRECT,), scopes=("openid", *CONSENT_ITEMS))
ATTRIBUTES = {
    "profile_nickname": "nickname",
    "profile_image": "image",
    "account_email": "email",
    "name": "name",
    "gender": "gender",
    "age_range": "age_range",
    "birthyear": "birthyear",
    "birthday": "birthday",
    "phone_number": "phone_number",
    "account_ci": "ci",
}


def values(told):
    return {value for each in told.values() for value in (values(each) if isinstance(each, dict) else [each])}


def test_each_consent_item_has_an_attribute():
    assert set(ATTRIBUTES) == set(CONSENT_ITEMS)


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.nickname)
@pytest.mark.parametrize("scope", CONSENT_ITEMS)
def test_an_item_is_returned_only_with_its_consent(scope, person):
    attribute = getattr(person, ATTRIBUTES[scope])
    if scope == "profile_image" and attribute is not None:
        attribute = f"http://{attribute}"
    others = set(CONSENT_ITEMS) - {scope, "profile_nickname", "name"}  # of one user these two may be the same
    agreed = user_me(Login(person, EVERYTHING, (scope,)))["kakao_account"]
    withheld = user_me(Login(person, EVERYTHING, tuple(others)))["kakao_account"]
    flag = f"{CONSENT_ITEMS[scope].flag}_needs_agreement"
    assert (agreed[flag], withheld[flag]) == (False, True)
    assert (attribute in values(agreed)) is (attribute is not None)
    assert attribute not in values(withheld)
    assert None not in values(agreed)


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.nickname)
def test_an_item_disabled_in_the_app_is_not_returned(person):
    account = user_me(Login(person, APP, APP.scopes))["kakao_account"]
    assert {name for name in account if name.endswith("_needs_agreement")} == {
        *("email_needs_agreement", "profile_nickname_needs_agreement")
    }


def test_userinfo_has_no_claim_without_a_value():
    for person in PEOPLE:
        assert None not in claims(Login(person, EVERYTHING, EVERYTHING.scopes)).values()
