"""moto's AWS, with one RSA key for all user pools."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from joserfc.jwk import RSAKey
from moto import mock_aws
from moto.cognitoidp import models
from moto.utilities.utils import load_resource


@cache
def _key() -> Any:
    return RSAKey.import_key(load_resource("cognitoidp/resources/jwks-private.json"))


@contextmanager
def moto_aws() -> Iterator[None]:
    """Emulate AWS in this process. moto would look for the prime factors of a key for each pool, which is slow."""
    loaded = SimpleNamespace(RSAKey=SimpleNamespace(import_key=lambda _file: _key()))
    with patch.object(models, "jwk", loaded), mock_aws():
        yield
