"""The pool's keys: fetched rarely, kept while a fetch fails, and only valid keys are accepted."""

import itertools
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from jwt.algorithms import RSAAlgorithm

from handlers import jwks
from handlers.jwks import Jwks
from tests.handlers.user_pool import JwksEndpoint, jwk, private_key


@pytest.fixture
def keys(endpoint: JwksEndpoint) -> Jwks:
    return Jwks(endpoint.url)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the module's clock has advanced."""
    passed = [0.0]
    started = time.monotonic()
    monkeypatch.setattr("handlers.jwks.time.monotonic", lambda: started + passed[0])
    return passed


def test_the_keys_are_fetched_once_for_all_tokens(keys: Jwks, endpoint: JwksEndpoint) -> None:
    assert endpoint.asked == []
    for _ in range(3):
        for kid in ("current", "next"):
            key = keys.key(kid)
            assert key is not None
            assert key.public_numbers() == private_key(kid).public_key().public_numbers()
    assert endpoint.asked == ["/pool/.well-known/jwks.json"]


def test_concurrent_look_ups_cause_one_fetch(keys: Jwks, endpoint: JwksEndpoint) -> None:
    together = threading.Barrier(8)

    def ask(_: int) -> bool:
        together.wait(20)
        return keys.key("current") is not None

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(8)))
    assert len(endpoint.asked) == 1


def test_a_rotated_key_is_found_at_once_and_a_retired_one_is_gone(keys: Jwks, endpoint: JwksEndpoint) -> None:
    keys.key("current")
    endpoint.keys = [jwk("next"), jwk("after")]
    assert keys.key("after")
    assert keys.key("current") is None


def test_the_cause_of_a_failed_fetch_is_kept_until_the_next_successful_one(
    keys: Jwks, endpoint: JwksEndpoint, clock: list[float]
) -> None:
    endpoint.status = 503
    assert (keys.key("current"), str(keys.failure)) == (None, "status 503")
    endpoint.reset()
    clock[0] = 10.1
    assert (keys.key("made-up"), keys.failure) == (None, None)


def test_unknown_key_ids_cause_at_most_one_fetch_in_ten_seconds(
    keys: Jwks, endpoint: JwksEndpoint, clock: list[float]
) -> None:
    keys.key("current")
    for name in range(50):
        assert keys.key(f"made-up-{name}") is None
    assert len(endpoint.asked) == 2
    clock[0] = 9.9
    keys.key("another")
    assert len(endpoint.asked) == 2
    clock[0] = 10.1
    keys.key("another")
    assert len(endpoint.asked) == 3
    assert keys.key("current")


def down(endpoint: JwksEndpoint) -> None:
    endpoint.status = 503


def redirecting(endpoint: JwksEndpoint) -> None:
    endpoint.status, endpoint.headers = 302, {"Location": endpoint.url}


def huge(endpoint: JwksEndpoint) -> None:
    endpoint.body = b'{"keys": []}' + b" " * 100 * 1024


def slow(endpoint: JwksEndpoint) -> None:
    endpoint.silent = True


BODIES = [
    b"",
    b"<html>",
    b"[]",
    b"null",
    b"{}",
    b'{"keys": null}',
    b'{"keys": {"a": 1}}',
    b'{"keys": []}',
    b"[" * 90_000,
]


def talking(body: bytes) -> Any:
    def garbage(endpoint: JwksEndpoint) -> None:
        endpoint.body = body

    return garbage


OUTAGES = [down, redirecting, huge, slow, *map(talking, BODIES)]


@pytest.mark.parametrize("outage", OUTAGES)
def test_cached_keys_stay_valid_while_a_fetch_fails_and_the_failure_is_logged(
    keys: Jwks, endpoint: JwksEndpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, outage: Any
) -> None:
    keys.key("current")
    monkeypatch.setattr(jwks, "TIMEOUT_SECONDS", 0.1)
    outage(endpoint)
    assert keys.key("after") is None
    assert keys.key("current")
    assert [(record.levelno, record.message) for record in caplog.records] == [(logging.ERROR, "jwks_unavailable")]
    assert len(endpoint.asked) == 2, "asked again, or followed a redirect"


def test_a_failed_fetch_is_repeated_after_ten_seconds(keys: Jwks, endpoint: JwksEndpoint, clock: list[float]) -> None:
    endpoint.status = 503
    assert keys.key("current") is None
    endpoint.status = 200
    assert keys.key("current") is None
    clock[0] = 10.1
    assert keys.key("current")


OF_A_TRIGGER = 5  # seconds that Cognito waits: the shortest limit of all callers


def test_a_fetch_of_keys_times_out_before_the_trigger_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    to_connect_and_to_answer = 2 * jwks.TIMEOUT_SECONDS
    assert to_connect_and_to_answer < OF_A_TRIGGER
    monkeypatch.setattr(jwks, "TIMEOUT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.create_connection(full.getsockname()):
        begun = time.monotonic()
        assert Jwks(f"http://127.0.0.1:{full.getsockname()[1]}/").key("current") is None
        assert time.monotonic() - begun < 0.5


def test_an_https_address_is_requested_over_tls(endpoint: JwksEndpoint, caplog: pytest.LogCaptureFixture) -> None:
    assert Jwks(endpoint.url.replace("http:", "https:")).key("current") is None
    assert endpoint.asked == []
    assert "SSL" in caplog.records[0].__dict__["reason"]


@pytest.mark.parametrize(
    "odd",
    [
        partial(jwk, "short", kid="odd"),
        partial(jwk, "odd", use="enc"),
        partial(jwk, "odd", alg="RS512"),
        partial(jwk, "odd", kty="oct", k="c2VjcmV0"),
        partial(jwk, "odd", kty="EC"),
        partial(jwk, "odd", n=...),
        partial(jwk, "odd", n="AQAB", e="AQAB"),
        partial(jwk, "odd", n=5),
        partial(jwk, "odd", n="!"),
        lambda: RSAAlgorithm.to_jwk(private_key("odd"), as_dict=True) | {"kid": "odd"},
        partial(jwk, "odd", kid=...),
        partial(jwk, "odd", kid=["odd"]),
        None,
        "odd",
        [],
    ],
    ids=map(str, itertools.count()),
)
def test_a_key_that_is_not_an_rs256_key_of_2048_bits_is_ignored(keys: Jwks, endpoint: JwksEndpoint, odd: Any) -> None:
    endpoint.keys = [odd() if callable(odd) else odd, jwk("current")]
    assert keys.key("odd") is None
    assert keys.key("current")
