import pytest

from handlers.token_set import json_object, unverified_claims
from tests.handlers.conftest import id_token


@pytest.mark.parametrize("parts", [0, 1, 2, 4])
def test_a_jwt_has_three_parts(parts: int) -> None:
    with pytest.raises(ValueError, match="not a JWT"):
        unverified_claims(".".join([*id_token().split("."), "more"][:parts]))


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[]", "null", "{", b"\xff"], ids=["deep", "list", "null", "cut", "bytes"]
)
def test_a_text_that_is_not_a_json_object_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        json_object(text)
    assert refused.value.__cause__ is None
