"""Consent items (동의항목), and what an app learns of a user with each of them.

https://developers.kakao.com/docs/latest/ko/kakaologin/prerequisite#consent-item,
https://developers.kakao.com/docs/latest/ko/kakaologin/rest-api#kakaoaccount
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.kakao.oauth import Login
from sandbox.kakao.people import Person

Members = Callable[[Person], dict[str, Any]]


@dataclass(frozen=True)
class ConsentItem:
    """A consent item: what the user reads, and what an app gets with it.

    `flag` is the `…_needs_agreement` of the item. Each function returns the members that the item adds: `account` to
    `kakao_account` of /v2/user/me, `profile` to its `profile`, `claims` to userinfo and the ID token. A member that is
    None is absent: the user has no such attribute.
    """

    label: str
    flag: str
    account: Members = lambda _person: {}
    profile: Members = lambda _person: {}
    claims: Members = lambda _person: {}


CONSENT_ITEMS = {  # by scope
    "profile_nickname": ConsentItem(
        "닉네임",
        "profile_nickname",
        profile=lambda person: {"nickname": person.nickname, "is_default_nickname": False},
        claims=lambda person: {"nickname": person.nickname},
    ),
    "profile_image": ConsentItem(
        "프로필 사진",
        "profile_image",
        profile=lambda person: {
            "profile_image_url": _address(person.image),
            "thumbnail_image_url": _address(person.image),
            "is_default_image": person.image is None,
        },
        claims=lambda person: {"picture": _address(person.image)},
    ),
    "account_email": ConsentItem(
        "카카오계정(이메일)",
        "email",
        account=lambda person: _if(
            person.email,
            is_email_valid=person.email_valid,
            is_email_verified=person.email_verified,
            email=person.email,
        ),
        claims=lambda person: _if(person.email, email=person.email, email_verified=person.email_verified),
    ),
    "name": ConsentItem("이름", "name", account=lambda person: {"name": person.name}),
    "gender": ConsentItem("성별", "gender", account=lambda person: {"gender": person.gender}),
    "age_range": ConsentItem("연령대", "age_range", account=lambda person: {"age_range": person.age_range}),
    "birthyear": ConsentItem("출생 연도", "birthyear", account=lambda person: {"birthyear": person.birthyear}),
    "birthday": ConsentItem(
        "생일",
        "birthday",
        account=lambda person: _if(
            person.birthday,
            birthday=person.birthday,
            birthday_type=person.birthday_type,
            is_leap_month=person.is_leap_month,
        ),
    ),
    "phone_number": ConsentItem(
        "카카오계정(전화번호)", "phone_number", account=lambda person: {"phone_number": person.phone_number}
    ),
    "account_ci": ConsentItem(
        "CI(연계정보)",
        "ci",
        account=lambda person: _if(person.ci, ci=person.ci, ci_authenticated_at="2024-01-01T00:00:00Z"),
    ),
}


def _if(value: str | None, **members: object) -> dict[str, Any]:
    return members if value else {}


def _address(image: str | None) -> str | None:
    return image and f"http://{image}"


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def claims(login: Login) -> dict[str, Any]:
    """Return the claims of /v1/oidc/userinfo: only what the user agreed to."""
    found: dict[str, Any] = {"sub": str(login.person.id)}
    for scope, item in CONSENT_ITEMS.items():
        if scope in login.scopes:
            found |= _present(item.claims(login.person))
    return found


def user_me(login: Login, *, secure_resource: bool = False) -> dict[str, Any]:
    """Return the body of /v2/user/me: without consent an item has its `…_needs_agreement` alone.

    With `secure_resource` the addresses of images begin with https.
    """
    account: dict[str, Any] = {}
    profile: dict[str, Any] = {}
    for scope, item in CONSENT_ITEMS.items():
        agreed = scope in login.scopes
        if scope in login.app.scopes:
            account[f"{item.flag}_needs_agreement"] = not agreed
        if agreed:
            account |= _present(item.account(login.person))
            profile |= _present(item.profile(login.person))
    if "account_email" in login.app.scopes:
        account["has_email"] = login.person.email is not None
    if secure_resource:
        https = {name: value.replace("http:", "https:", 1) for name, value in profile.items() if name.endswith("_url")}
        profile |= https
    if profile:
        account["profile"] = profile
    return {
        "id": login.person.id,
        "connected_at": datetime.fromtimestamp(login.auth_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "properties": {"nickname": profile["nickname"]} if "nickname" in profile else {},
        "kakao_account": account,
    }
