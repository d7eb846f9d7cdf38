"""The people who can sign in at the stand-in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A Kakao account: its member number, and what it can tell an app."""

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
    """The person with this member number, a number or its decimal digits; None if there is nobody."""
    return next((person for person in PEOPLE if str(person.id) == str(identifier)), None)
