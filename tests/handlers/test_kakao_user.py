"""Which profile belongs to a Kakao user."""

import json
from typing import Any

import pytest

from handlers import kakao_user


@pytest.mark.parametrize(
    ("identities", "expected"),
    [
        ([{"userId": "1", "providerName": "Kakao"}], True),
        ([{"userId": "2", "providerName": "Kakao"}, {"userId": "1", "providerName": "Kakao"}], True),
        ([{"userId": "1", "providerName": "Another"}], False),
        ([{"userId": "2", "providerName": "Kakao"}], False),
        ([{"userId": 1, "providerName": "Kakao"}], False),
        ([], False),
        ({"userId": "1", "providerName": "Kakao"}, False),
        (["Kakao", None], False),
        (None, False),
    ],
)
def test_a_profile_is_linked_to_the_kakao_id_that_its_identities_name(identities: Any, expected: bool) -> None:
    assert kakao_user.is_linked(json.dumps(identities), "1") is expected


@pytest.mark.parametrize("identities", [None, "", "[", "[" * 100_000, 7])
def test_malformed_identities_link_to_no_kakao_user(identities: Any) -> None:
    assert kakao_user.is_linked(identities, "1") is False
