"""The test users of the stand-in."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A Kakao account: its user ID (회원번호), and each attribute that it can share with an app, as Kakao writes it."""

    id: int
    nickname: str
    email: str | None = None
    email_valid: bool = True  # False: another account has taken the address since
    email_verified: bool = False
    image: str | None = None  # host and path of the address
    name: str | None = None
    gender: str | None = None
    age_range: str | None = None
    birthyear: str | None = None
    birthday: str | None = None
    birthday_type: str = "SOLAR"  # or LUNAR
    is_leap_month: bool = False  # of the lunar calendar
    phone_number: str | None = None
    ci: str | None = None


PEOPLE = (
    Person(
        1000000001,
        "김하늘",
        email="haneul@example.com",
        email_verified=True,
        image="img.example.com/haneul.jpg",
        name="김하늘",
        gender="female",
        age_range="20~29",
        birthyear="2000",
        birthday="0229",
        phone_number="+82 10-0000-0001",
        ci="stand-in-ci-1000000001",
    ),
    Person(
        1000000002,
        "이바다",
        email="bada@example.com",
        email_verified=True,
        birthyear="2001",
        birthday="0415",
        birthday_type="LUNAR",
        is_leap_month=True,
        phone_number="+82 010-0000-0002",
    ),
    Person(1000000003, "박구름", email="gureum@example.com", birthyear="1999", birthday="1130"),
    Person(1000000004, "최다온"),
)


def hinted(login_hint: str) -> Person | None:
    """Return the test user whose e-mail, the part before its @, or phone number is the hint."""
    digits = _digits(login_hint)
    for person in PEOPLE:
        email = person.email or ""
        if login_hint and login_hint in (email, email.partition("@")[0]):
            return person
        if digits and digits == _digits(person.phone_number or ""):
            return person
    return None


def _digits(phone_number: str) -> str:
    """Return the digits of a phone number as it is dialled in Korea: +82 10-0000-0001 is 01000000001."""
    digits = re.sub(r"[^0-9]", "", phone_number)
    return f"0{digits[2:].lstrip('0')}" if phone_number.startswith("+82") else digits


def person_with(identifier: object) -> Person | None:
    """Return the test user with this ID, a number or its decimal digits; None if there is none."""
    return next((person for person in PEOPLE if str(person.id) == str(identifier)), None)
