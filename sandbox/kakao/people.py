"""The test users of the stand-in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A Kakao account: its user ID (회원번호), and each attribute that it can share with an app, as Kakao writes it."""

    id: int
    nickname: str
    email: str | None = None
    email_valid: bool = True  # False: another account has taken the address since
    email_verified: bool = False
    image: str | None = None
    name: str | None = None
    gender: str | None = None
    age_range: str | None = None
    birthyear: str | None = None
    birthday: str | None = None
    phone_number: str | None = None
    ci: str | None = None


PEOPLE = (
    Person(
        1000000001,
        "김하늘",
        email="haneul@example.com",
        email_verified=True,
        image="https://img.example.com/haneul.jpg",
        name="김하늘",
        gender="female",
        age_range="20~29",
        birthyear="2000",
        birthday="0229",
        phone_number="+82 10-0000-0001",
        ci="stand-in-ci-1000000001",
    ),
    Person(1000000002, "이바다", email="bada@example.com", email_verified=True, phone_number="+82 10-0000-0002"),
    Person(1000000003, "박구름", email="gureum@example.com"),
    Person(1000000004, "최다온"),
)


def person_with(identifier: object) -> Person | None:
    """Return the test user with this ID, a number or its decimal digits; None if there is none."""
    return next((person for person in PEOPLE if str(person.id) == str(identifier)), None)
