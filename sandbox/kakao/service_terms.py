"""Terms of the service (서비스 약관) that an app of Kakao Sync has registered, by tag, and a user's consent to them.

https://developers.kakao.com/docs/latest/ko/kakaologin/rest-api#terms, #revoke-terms
"""

from collections.abc import Mapping
from typing import Any

from sandbox.kakao.errors import ApiError
from sandbox.kakao.oauth import KakaoApp

LISTS = ("agreed_service_terms", "app_service_terms")


def listed(app: KakaoApp, agreed: Mapping[str, str], query: Mapping[str, str]) -> list[dict[str, Any]]:
    """Answer GET /v2/user/service_terms; `agreed` are the times of consent by tag."""
    which = query.get("result", LISTS[0])
    if which not in LISTS:
        raise ApiError(400, -2, f"result is one of {', '.join(LISTS)}")
    wanted = _tags(app, query["tags"], "get service terms") if "tags" in query else app.service_terms
    return [_term(app, agreed, tag) for tag in wanted if tag in agreed or which == "app_service_terms"]


def revoked(app: KakaoApp, agreed: dict[str, str], form: Mapping[str, str]) -> list[dict[str, Any]]:
    """Answer POST /v2/user/revoke/service_terms, and take the consent back; required terms stay agreed to."""
    tags = [tag for tag in _tags(app, form.get("tags", ""), "revoke") if _is_revocable(app, agreed, tag)]
    for tag in tags:
        del agreed[tag]
    return [{"tag": tag, "agreed": False} for tag in tags]


def _tags(app: KakaoApp, tags: str, purpose: str) -> list[str]:
    found = tags.split(",")
    if unknown := set(found) - set(app.service_terms):
        tag_list = ", ".join(sorted(unknown))
        message = (
            f"There is no tags to {purpose}. check out to configured this tags([{tag_list}]) in app({app.app_id})."
        )
        raise ApiError(400, -2, message)
    return found


def _term(app: KakaoApp, agreed: Mapping[str, str], tag: str) -> dict[str, Any]:
    term = {
        "tag": tag,
        "required": tag in app.required_terms,
        "agreed": tag in agreed,
        "revocable": _is_revocable(app, agreed, tag),
    }
    return term | ({"agreed_at": agreed[tag]} if tag in agreed else {})


def _is_revocable(app: KakaoApp, agreed: Mapping[str, str], tag: str) -> bool:
    return tag in agreed and tag not in app.required_terms
