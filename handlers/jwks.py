"""The keys that an issuer signs with (RFC 7517), fetched when first needed and kept for as long as this runs."""

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

from handlers.outgoing import exchange

log = logging.getLogger(__name__)

SECONDS = 2.0  # for all of it, and for a connection
LARGEST = 100 * 1024
PAUSE = 10.0  # seconds without a fetch after one that did not bring the key asked for
SHORTEST_KEY = 2048  # bits; RFC 7518 section 3.3

Keys = Mapping[str, RSAPublicKey]


class JwksError(Exception):
    """The keys could not be fetched, or what was fetched holds none. The text may be logged."""


class JwksTooSlowError(JwksError):
    """They did not come in time."""


class Jwks:
    """The keys at `url`, by `kid`.

    They are fetched again for a `kid` that is not among them, so that a rotated key is found, but at most once in ten
    seconds, so that made-up ones cost nothing; while the endpoint is down, the keys at hand stay good. `failure` is
    what was wrong with the last fetch, None where nothing was.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.failure: JwksError | None = None
        self._keys: Keys = {}
        self._lock = threading.Lock()
        self._paused_until = 0.0

    def key(self, kid: str) -> RSAPublicKey | None:
        """Return the key, or None where the issuer has none of this name as far as can be known now."""
        return self._keys.get(kid) or self._newly_fetched(kid)

    def _newly_fetched(self, kid: str) -> RSAPublicKey | None:
        with self._lock:
            if kid not in self._keys and time.monotonic() >= self._paused_until:
                self.failure = None
                try:
                    self._keys = _usable(self._fetch())
                except JwksError as error:
                    self.failure = error
                    log.error("jwks_unavailable", extra={"reason": str(error)})
                if kid not in self._keys:
                    self._paused_until = time.monotonic() + PAUSE
            return self._keys.get(kid)

    def _fetch(self) -> bytes:
        headers = {"accept": "application/json"}
        try:
            status, body = exchange(
                "GET", self._url, headers=headers, connect_seconds=SECONDS, seconds=SECONDS, largest=LARGEST
            )
        except TimeoutError:
            raise JwksTooSlowError("no answer in time") from None
        except (OSError, HTTPException) as error:
            raise JwksError(type(error).__name__) from None
        if status != 200:
            raise JwksError(f"status {status}")
        return body


def _usable(jwks: bytes) -> Keys:
    """Return the keys of a set that verify RS256; what else is in it is passed over."""
    try:
        found = {jwk["kid"]: key for jwk in json.loads(jwks)["keys"] if (key := _rs256(jwk))}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise JwksError("not a key set") from None
    if not found:
        raise JwksError("no usable key")
    return found


def _rs256(jwk: Any) -> RSAPublicKey | None:
    try:
        if not isinstance(jwk["kid"], str) or jwk.get("use", "sig") != "sig" or jwk.get("alg", "RS256") != "RS256":
            return None
        key = RSAAlgorithm.from_jwk(jwk)
    except (PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= SHORTEST_KEY else None
