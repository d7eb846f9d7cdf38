"""The test users of the stand-in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A Kakao account: its user ID (회원번호), and each attribute that it can share with an app."""

    id: int
    nickname: str
    email: str | None
    email_verified: bool


PEOPLE = (
    Person(1000000001, "김하늘", "haneul@example.com", email_verified=True),
    Person(1000000002, "이바다", "bada@example.com", email_verified=True),
    Person(1000000003, "박구름", "gureum@example.com", email_verified=False),
    Person(1000000004, "최다온", None, email_verified=False),
)


def person_with(identifier: object) -> Person | None:
    """Return the test user with this ID, a number or its decimal digits; None if there is none."""
    return next((person for person in PEOPLE if str(person.id) == str(identifier)), None)
