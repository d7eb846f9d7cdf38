"""Kakao's answer about a user as claims of OpenID Connect, and as attributes of the user pool."""

from typing import Any

import pytest

from handlers import contract, kakao_attributes
from tests.handlers import user_pool

ID = 1000000001
EMAIL = "haneul@example.com"
VALID = {"is_email_valid": True, "is_email_verified": True, "email": EMAIL}
# As in Kakao's documents. Each consent is there.
ACCOUNT = VALID | {
    "profile": {"nickname": "김하늘", "profile_image_url": "https://img.example.com/haneul.jpg"},
    "name": "김하늘",
    "age_range": "20~29",
    "birthyear": "2000",
    "birthday": "0229",
    "birthday_type": "SOLAR",
    "gender": "female",
    "phone_number": "+82 10-1234-5678",
    "ci": "c" * 88,
    "ci_authenticated_at": "2024-01-01T00:00:00Z",
}


def claims(*consents: str, **account: Any) -> dict[str, Any]:
    return kakao_attributes.claims({"id": ID, "kakao_account": account}, consents)


def test_without_a_mapping_only_sub_nickname_and_e_mail_are_claims() -> None:
    expected = {"sub": str(ID), "nickname": "김하늘", "email": EMAIL, "email_verified": True}
    assert claims(**ACCOUNT) == expected


def test_each_consent_becomes_a_claim_of_openid_connect() -> None:
    found = claims(*contract.KAKAO_CONSENTS, **ACCOUNT)
    assert {name: found[name] for name in contract.KAKAO_CONSENTS} == {
        "age_range": "20~29",
        "birthdate": "2000-02-29",
        "birthday": "02-29",
        "birthyear": "2000",
        "ci": "c" * 88,
        "gender": "female",
        "name": "김하늘",
        "phone_number": "+821012345678",
        "picture": "https://img.example.com/haneul.jpg",
    }


def test_a_withheld_consent_is_no_claim() -> None:
    withheld = {f"{name}_needs_agreement": True for name in ("email", "name", "phone_number", "birthday")}
    assert claims(*contract.KAKAO_CONSENTS, **withheld) == {"sub": str(ID)}


@pytest.mark.parametrize("answer", [{}, {"kakao_account": None}, {"kakao_account": []}, {"kakao_account": "x"}])
def test_a_malformed_account_has_only_the_id_as_a_claim(answer: dict[str, Any]) -> None:
    assert kakao_attributes.claims({"id": ID} | answer, contract.KAKAO_CONSENTS) == {"sub": str(ID)}


# The e-mail


@pytest.mark.parametrize(
    "account",
    [
        VALID | {"is_email_valid": False},
        VALID | {"is_email_valid": 1},
        VALID | {"email": None},
        VALID | {"email": [EMAIL]},
        VALID | {"email": "no address"},
        VALID | {"email": f"{'a' * 120}@example.com"},
        VALID | {"email": "=cmd@example.com"},
        {"email": EMAIL, "is_email_verified": True},
    ],
    ids=str,
)
def test_an_e_mail_that_is_not_valid_is_left_out(account: dict[str, Any]) -> None:
    assert "email" not in claims(**account)


@pytest.mark.parametrize(
    "account",
    [
        VALID | {"is_email_valid": False, "email": "ha***@example.com"},
        VALID | {"is_email_valid": False, "email": None},
        VALID | {"is_email_verified": False, "email": None},
        VALID | {"is_email_valid": 1},
        VALID | {"email": "no address"},
        {"email": EMAIL},
    ],
    ids=str,
)
def test_an_e_mail_that_kakao_does_not_verify_sets_email_verified_to_false(account: dict[str, Any]) -> None:
    """Cognito keeps the old value of an absent claim."""
    found = claims(**account)
    assert found == {"sub": str(ID), "email_verified": False}
    assert kakao_attributes.user_attributes(found, {}) == {"email_verified": "false"}


@pytest.mark.parametrize("account", [{"email_needs_agreement": True}, VALID | {"email": None}], ids=str)
def test_a_withheld_e_mail_leaves_email_verified_unchanged(account: dict[str, Any]) -> None:
    assert claims(**account) == {"sub": str(ID)}
    assert kakao_attributes.user_attributes({"sub": str(ID)}, {}) == {}


@pytest.mark.parametrize("word", [False, "true", 1, None])
def test_an_e_mail_is_verified_only_where_kakao_says_true(word: Any) -> None:
    found = claims(**VALID | {"is_email_verified": word})
    assert (found["email"], found["email_verified"]) == (EMAIL, False)
    assert kakao_attributes.user_attributes(found, {}) == {"email_verified": "false"}


# Forms


@pytest.mark.parametrize(
    ("told", "claim"),
    [
        ("+82 10-1234-5678", "+821012345678"),
        ("+82 010-1234-5678", "+821012345678"),
        ("+82 2-123-4567", "+8221234567"),
        ("+1 (650) 253-0000", "+16502530000"),
        ("+81 90 1234 5678", "+819012345678"),
        ("010-1234-5678", None),
        ("+82", None),
        ("+82 10-1234-5678 ext. 9", None),
        ("+82 １０-1234-5678", None),
        ("+1" + "2" * 15, None),
        ("", None),
        (821012345678, None),
    ],
)
def test_a_phone_number_is_converted_to_e_164_or_left_out(told: Any, claim: str | None) -> None:
    assert claims("phone_number", phone_number=told).get("phone_number") == claim


@pytest.mark.parametrize(
    ("account", "birthdate", "birthday"),
    [
        ({"birthyear": "2002", "birthday": "1130"}, "2002-11-30", "11-30"),
        ({"birthyear": "2001", "birthday": "0229"}, None, "02-29"),
        ({"birthyear": "1900", "birthday": "0229"}, None, "02-29"),
        ({"birthyear": "2002", "birthday": "0231"}, None, None),
        ({"birthyear": "2002", "birthday": "1301"}, None, None),
        ({"birthyear": "0000", "birthday": "0101"}, None, "01-01"),
        ({"birthyear": "2002"}, None, None),
        ({"birthday": "1130"}, None, "11-30"),
        ({"birthyear": 2002, "birthday": "1130"}, None, "11-30"),
        ({"birthyear": "２００２", "birthday": "1130"}, None, "11-30"),
        ({"birthyear": "2002", "birthday": 1130}, None, None),
        ({"birthyear": "2002", "birthday": "1130", "birthday_type": "LUNAR"}, None, None),
        ({"birthyear": "2020", "birthday": "0401", "birthday_type": "LUNAR", "is_leap_month": True}, None, None),
        ({"birthyear": "2002", "birthday": "1130", "birthday_type": None}, None, None),
    ],
    ids=str,
)
def test_a_birthdate_that_is_no_real_solar_date_is_left_out(
    account: dict[str, Any], birthdate: str | None, birthday: str | None
) -> None:
    found = claims("birthdate", "birthday", **{"birthday_type": "SOLAR"} | account)
    assert (found.get("birthdate"), found.get("birthday")) == (birthdate, birthday)


@pytest.mark.parametrize(
    "address", ["http://img.example.com/a.jpg", "javascript:alert(1)", "https://" + "a" * 300, "", 7]
)
def test_a_picture_without_https_is_left_out(address: Any) -> None:
    assert "picture" not in claims("picture", profile={"profile_image_url": address})


@pytest.mark.parametrize("text", ["", "x" * 101, "\ud83d", 7, None, ["x"]])
def test_text_that_cognito_would_refuse_is_left_out(text: Any) -> None:
    """Cognito would refuse the whole sign-in."""
    consents = ("name", "gender", "age_range", "ci")
    assert claims(*consents, **dict.fromkeys(consents, text)) == {"sub": str(ID)}


@pytest.mark.parametrize("nickname", ["", 7, "\ud83d", "x" * 129])
def test_a_nickname_that_cognito_would_refuse_is_left_out(nickname: Any) -> None:
    assert "nickname" not in claims(profile={"nickname": nickname})


@pytest.mark.parametrize("letter", ["x", "가", "😀"])
def test_an_id_token_with_the_longest_nickname_fits_a_cookie_in_every_alphabet(letter: str) -> None:
    nickname = claims(profile={"nickname": letter * 128})["nickname"]
    assert nickname == letter * 128
    assert len(user_pool.token(nickname=nickname)) < 4096 - len("__Host-id")  # json.dumps writes 12 bytes for each 😀


def test_an_id_token_with_every_consent_fits_a_cookie() -> None:
    longest = {"name": "가" * 50, "ci": "c" * 88, "picture": "p" * 200, "phone_number": "+" + "1" * 15}
    others = {"birthdate": "2000-02-29", "gender": "female", "custom:age_range": "20~29", "custom:birthyear": "2000"}
    token = user_pool.token(nickname="가" * 20, email="a" * 100 + "@example.com", **longest, **others)
    assert len(token) < 4096 - len("__Host-id")


# Attributes


def test_each_consent_goes_to_the_attribute_that_the_mapping_names() -> None:
    mapping = {"phone_number": "phone_number", "ci": "custom:ci", "birthdate": "birthdate"}
    found = kakao_attributes.user_attributes(claims(*mapping, **ACCOUNT), mapping)
    assert found == {
        "nickname": "김하늘",
        "email": EMAIL,
        "email_verified": "true",
        "phone_number": "+821012345678",
        "custom:ci": "c" * 88,
        "birthdate": "2000-02-29",
    }


def test_a_claim_without_a_mapping_is_not_written_to_the_profile() -> None:
    assert kakao_attributes.user_attributes(claims("ci", **ACCOUNT), {}).keys() == {
        "nickname",
        "email",
        "email_verified",
    }


def test_the_mapping_is_read_from_the_environment_and_empty_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(contract.ENV_KAKAO_ATTRIBUTES, raising=False)
    assert kakao_attributes.mapping() == {}
    monkeypatch.setenv(contract.ENV_KAKAO_ATTRIBUTES, '{"ci": "custom:ci"}')
    assert kakao_attributes.mapping() == {"ci": "custom:ci"}
