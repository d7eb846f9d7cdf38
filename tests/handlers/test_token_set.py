import pytest

from handlers.token_set import unverified_claims
from tests.handlers.conftest import id_token


@pytest.mark.parametrize("parts", [0, 1, 2, 4])
def test_a_jwt_has_three_parts(parts: int) -> None:
    with pytest.raises(ValueError, match="not a JWT"):
        unverified_claims(".".join([*id_token().split("."), "more"][:parts]))
