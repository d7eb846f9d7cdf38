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


def _nothing(_person: Person) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class ConsentItem:
    """A consent item: what the user reads, and what /v2/user/me and OpenID Connect have with it.

    `flag` is the `…_needs_agreement` of the item. Each of the functions returns the members that the item adds:
    `account` to `kakao_account`, `profile` to its `profile`, `claims` to userinfo and the ID token.
    """

    label: str
    flag: str
    account: Members = _nothing
    profile: Members = _nothing
    claims: Members = _nothing


CONSENT_ITEMS = {  # by scope
    "profile_nickname": ConsentItem(
        "닉네임",
        "profile_nickname",
        profile=lambda person: {"nickname": person.nickname, "is_default_nickname": False},
        claims=lambda person: {"nickname": person.nickname},
    ),
    "profile_image": ConsentItem("프로필 사진", "profile_image"),
    "account_email": ConsentItem(
        "카카오계정(이메일)",
        "email",
        account=lambda person: (
            {"is_email_valid": True, "is_email_verified": person.email_verified, "email": person.email}
            if person.email
            else {}
        ),
        claims=lambda person: {"email": person.email, "email_verified": person.email_verified} if person.email else {},
    ),
}


def claims(login: Login) -> dict[str, Any]:
    """Return the claims of /v1/oidc/userinfo: only what the user agreed to."""
    found: dict[str, Any] = {"sub": str(login.person.id)}
    for scope, item in CONSENT_ITEMS.items():
        if scope in login.scopes:
            found |= item.claims(login.person)
    return found


def user_me(login: Login) -> dict[str, Any]:
    """Return the body of /v2/user/me: without consent an item has its `…_needs_agreement` alone."""
    account: dict[str, Any] = {}
    profile: dict[str, Any] = {}
    for scope, item in CONSENT_ITEMS.items():
        agreed = scope in login.scopes
        if scope in login.app.scopes:
            account[f"{item.flag}_needs_agreement"] = not agreed
        if agreed:
            account |= item.account(login.person)
            profile |= item.profile(login.person)
    if "account_email" in login.app.scopes:
        account["has_email"] = login.person.email is not None
    if profile:
        account["profile"] = profile
    return {
        "id": login.person.id,
        "connected_at": datetime.fromtimestamp(login.auth_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "properties": {"nickname": profile["nickname"]} if "nickname" in profile else {},
        "kakao_account": account,
    }
