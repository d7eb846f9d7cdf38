"""What Kakao tells of a user: as claims of OpenID Connect, and as attributes of the user pool.

`claims` reads a response of GET /v2/user/me. A claim is absent where the user withholds it, and where Cognito would
refuse its value and with it the sign-in. Cognito keeps the old value of an absent claim. So `email_verified` is false,
not absent, where Kakao returns an e-mail but does not verify it.
Source: https://developers.kakao.com/docs/latest/ko/kakaologin/rest-api#kakaoaccount; OpenID Connect Core 1.0, 5.1.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from handlers import contract
from handlers.email_address import is_email
from handlers.web import LONE_SURROGATE

Claims = dict[str, str | bool]

# Kakao allows about 20 characters. With 128 an ID token fits into a cookie, however Cognito writes the nickname.
MAX_NICKNAME_LENGTH = 128
# Of any other text, but for the address of a picture. Kakao allows 100 characters of a name; a CI has 88.
MAX_TEXT_LENGTH = 100
MAX_PICTURE_LENGTH = 300
PHONE_NUMBER_PATTERN = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164, as Cognito requires it
A_LEAP_YEAR = 2000


def mapping() -> Mapping[str, str]:
    """Return the consents that the team maps, each with its attribute of the user pool, from the environment."""
    found: dict[str, str] = json.loads(os.environ.get(contract.ENV_KAKAO_ATTRIBUTES, "{}"))
    return found


def claims(user: Mapping[str, Any], consents: Iterable[str] = ()) -> Claims:
    """Return the claims `sub`, `nickname`, `email` and `email_verified` of a user, and those of `consents`.

    `user` is the body of a response to GET /v2/user/me. `consents` are names of contract.KAKAO_CONSENTS.
    """
    account = _object(user.get("kakao_account"))
    profile = _object(account.get("profile"))
    email = account.get("email")
    found: dict[str, str | bool | None] = {"sub": str(user["id"]), "nickname": nickname(profile.get("nickname"))}
    # Kakao calls an address invalid once another account has taken it, and masks it (devtalk.kakao.com/t/140835).
    if account.get("is_email_valid") is True and isinstance(email, str) and is_email(email):
        found |= {"email": email, "email_verified": account.get("is_email_verified") is True}
    elif email is not None or False in (account.get("is_email_valid"), account.get("is_email_verified")):
        found["email_verified"] = False
    found |= {consent: _claim(consent, account, profile) for consent in consents}
    return {name: value for name, value in found.items() if value is not None}


def user_attributes(claims: Mapping[str, str | bool], mapping: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes of the user pool for these claims; `mapping` names the attribute of each consent.

    An e-mail that Kakao does not call verified is left out, but not that it is unverified.
    """
    mapped = {"nickname": "nickname"} | dict(mapping)
    found = {mapped[name]: str(value) for name, value in claims.items() if name in mapped}
    if claims.get("email_verified") is True:
        return found | {"email": str(claims["email"]), "email_verified": "true"}
    return found | ({"email_verified": "false"} if "email_verified" in claims else {})


def nickname(value: object) -> str | None:
    """Return the nickname, or None where Cognito cannot store it."""
    return _text(value, MAX_NICKNAME_LENGTH)


def _claim(consent: str, account: Mapping[str, Any], profile: Mapping[str, Any]) -> str | None:
    match consent:
        case "picture":
            return _picture(profile.get("profile_image_url"))
        case "phone_number":
            return _phone_number(account.get("phone_number"))
        case "birthdate":
            return _birthdate(account)
        case "birthday":
            month_and_day = _solar_birthday(account)
            return month_and_day and f"{month_and_day[0]:02}-{month_and_day[1]:02}"
        case "birthyear":
            year = account.get("birthyear")
            return year if isinstance(year, str) and re.fullmatch(r"[0-9]{4}", year, re.ASCII) else None
    return _text(account.get(consent), MAX_TEXT_LENGTH)


def _text(value: object, max_length: int) -> str | None:
    valid = isinstance(value, str) and 0 < len(value) <= max_length and not LONE_SURROGATE.search(value)
    return str(value) if valid else None


def _picture(value: object) -> str | None:
    address = _text(value, MAX_PICTURE_LENGTH)
    return address if address and address.startswith("https://") else None


def _phone_number(value: object) -> str | None:
    """Return `+82 10-1234-5678` as `+821012345678`. Kakao's own examples also have `+82 010-…`."""
    digits = re.sub(r"[ ()-]", "", value) if isinstance(value, str) else ""
    digits = re.sub(r"^\+820", "+82", digits)
    return digits if PHONE_NUMBER_PATTERN.fullmatch(digits) else None


def _birthdate(account: Mapping[str, Any]) -> str | None:
    """Return YYYY-MM-DD where Kakao tells the year and a day of the solar calendar, and there was such a day."""
    year, month_and_day = _claim("birthyear", account, {}), _solar_birthday(account)
    try:
        return date(int(year), *month_and_day).isoformat() if year and month_and_day else None
    except ValueError:  # 29 February of another year
        return None


def _solar_birthday(account: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return month and day. A birthday of the lunar calendar falls on another date each year."""
    text = account.get("birthday")
    if account.get("birthday_type") != "SOLAR" or not isinstance(text, str):
        return None
    if not re.fullmatch(r"[0-9]{4}", text, re.ASCII):
        return None
    month, day = int(text[:2]), int(text[2:])
    try:
        date(A_LEAP_YEAR, month, day)
    except ValueError:
        return None
    return month, day


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
