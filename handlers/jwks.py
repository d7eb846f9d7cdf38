"""The public keys of an issuer (RFC 7517): fetched when one is first needed, and kept while the function runs."""

import json
import logging
import threading
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWTError
from jwt.algorithms import RSAAlgorithm

from handlers import http_client
from handlers.errors import JwksError, JwksTooSlowError

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 2.0  # for everything, and for the connection
MAX_RESPONSE_BYTES = 100 * 1024
PAUSE_SECONDS = 10.0  # without a fetch, after one that did not bring the key
MIN_KEY_BITS = 2048  # RFC 7518 section 3.3

Keys = Mapping[str, RSAPublicKey]


class Jwks:
    """The keys at `url`, by `kid`.

    A `kid` that is unknown causes a fetch, so that a rotated key is found. Made-up key IDs cause at most one fetch in
    PAUSE_SECONDS. While the endpoint is down, the keys at hand stay valid. `failure` is the error of the last fetch, or
    None.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.failure: JwksError | None = None
        self._keys: Keys = {}
        self._lock = threading.Lock()
        self._paused_until = 0.0

    def key(self, kid: str) -> RSAPublicKey | None:
        """Return the key, or None where the issuer has no such key or its keys cannot be fetched now."""
        return self._keys.get(kid) or self._key_after_fetch(kid)

    def _key_after_fetch(self, kid: str) -> RSAPublicKey | None:
        with self._lock:
            if kid not in self._keys and time.monotonic() >= self._paused_until:
                self.failure = None
                try:
                    self._keys = _usable_keys(self._fetch())
                except JwksError as error:
                    self.failure = error
                    log.error("jwks_unavailable", extra={"reason": str(error)})
                if kid not in self._keys:
                    self._paused_until = time.monotonic() + PAUSE_SECONDS
            return self._keys.get(kid)

    def _fetch(self) -> bytes:
        try:
            status, body = http_client.request(
                "GET",
                self._url,
                headers={"accept": "application/json"},
                connect_timeout=TIMEOUT_SECONDS,
                timeout=TIMEOUT_SECONDS,
                max_bytes=MAX_RESPONSE_BYTES,
            )
        except TimeoutError:
            raise JwksTooSlowError("no answer in time") from None
        except (OSError, HTTPException) as error:
            raise JwksError(type(error).__name__) from None
        if status != 200:
            raise JwksError(f"status {status}")
        return body


def _usable_keys(jwks: bytes) -> Keys:
    """Return the keys of a key set that verify RS256; any other member is ignored."""
    try:
        keys = {jwk["kid"]: key for jwk in json.loads(jwks)["keys"] if (key := _rs256_key(jwk))}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise JwksError("not a key set") from None
    if not keys:
        raise JwksError("no usable key")
    return keys


def _rs256_key(jwk: Any) -> RSAPublicKey | None:
    try:
        if not isinstance(jwk["kid"], str) or jwk.get("use", "sig") != "sig" or jwk.get("alg", "RS256") != "RS256":
            return None
        key = RSAAlgorithm.from_jwk(jwk)
    except (PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= MIN_KEY_BITS else None
