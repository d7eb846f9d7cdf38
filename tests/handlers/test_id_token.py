"""Only an ID token that our pool signed for our client is valid; every other input is the same error."""

import base64
import hmac
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from handlers import id_token
from handlers.errors import InvalidTokenError, UnknownKeyError
from handlers.id_token import IdTokenVerifier
from handlers.jwks import Jwks
from tests.handlers.conftest import CLIENT_ID, ISSUER
from tests.handlers.user_pool import JwksEndpoint, jwk, jwks_endpoint, known_claims, private_key, token


def id_tokens(url: str) -> IdTokenVerifier:
    return IdTokenVerifier(issuer=ISSUER, audiences=[CLIENT_ID], jwks=Jwks(url), expected={"token_use": "id"})


@pytest.fixture
def ours(endpoint: JwksEndpoint) -> IdTokenVerifier:
    return id_tokens(endpoint.url)


def refused(ours: IdTokenVerifier, text: Any) -> str:
    with pytest.raises(InvalidTokenError) as refusal:
        ours.verify(text)
    return str(refusal.value)


def encoded(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def assembled(header: Any, payload: Any, sign: Callable[[bytes], bytes] | None = None) -> str:
    """A token of these parts, signed as the pool signs by default."""
    signing_input = f"{encoded(header)}.{encoded(payload)}"
    signature = (sign or rs256)(signing_input.encode())
    return f"{signing_input}.{encoded(signature)}"


def rs256(data: bytes) -> bytes:
    return private_key("current").sign(data, padding.PKCS1v15(), SHA256())


def test_a_token_of_our_pool_for_our_client_is_accepted_with_each_key_of_the_pool(ours: IdTokenVerifier) -> None:
    for kid in ("current", "next"):
        claims = ours.verify(token(kid))
        assert (claims["sub"], claims["nickname"]) == (known_claims()["sub"], "김하늘")


HEADER = {"alg": "RS256", "kid": "current"}
PUBLIC = private_key("current").public_key()
PEM = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
DER = PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
MODULUS = PUBLIC.public_numbers().n.to_bytes(256, "big")
SECRETS = {"pem": PEM, "der": DER, "n": MODULUS, "jwk": json.dumps(jwk("current")).encode(), "nothing": b""}


def hs(digest: str, secret: bytes) -> Callable[[bytes], bytes]:
    return lambda data: hmac.new(secret, data, digest).digest()


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_a_token_signed_with_the_public_key_as_hmac_secret_is_refused(
    ours: IdTokenVerifier, secret: str, digest: str
) -> None:
    header = {**HEADER, "alg": f"HS{digest[3:]}"}
    assert refused(ours, assembled(header, known_claims(), hs(digest, SECRETS[secret]))) == "InvalidAlgorithmError"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 5, [], "RS256 ", "rs256", ["RS256"]])
@pytest.mark.parametrize("signature", [b"", b"x"])
def test_a_token_without_a_signature_or_an_algorithm_is_refused(
    ours: IdTokenVerifier, algorithm: Any, signature: bytes
) -> None:
    refused(ours, assembled({**HEADER, "alg": algorithm}, known_claims(), lambda _: signature))
    refused(ours, assembled({**HEADER, "alg": algorithm}, known_claims()))


def test_a_token_with_extra_characters_is_refused(ours: IdTokenVerifier) -> None:
    made = token()
    ours.verify(made)
    for other in (f"{made}=", f"{made}\n", f" {made}", f"{made[:-9]}!{made[-9:]}", f"{made}.", f"{made}.x"):
        assert refused(ours, other) == "not a JWT"


def test_a_token_of_the_maximum_length_is_accepted_and_a_longer_one_refused(
    ours: IdTokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = token()
    monkeypatch.setattr(id_token, "MAX_TOKEN_LENGTH", len(made))
    ours.verify(made)
    monkeypatch.setattr(id_token, "MAX_TOKEN_LENGTH", len(made) - 1)
    assert refused(ours, made) == "not a JWT"


def test_a_token_without_an_algorithm_is_refused(ours: IdTokenVerifier) -> None:
    refused(ours, assembled({"kid": "current"}, known_claims()))


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "ES256", "EdDSA"])
def test_another_algorithm_is_refused_even_with_the_right_key(ours: IdTokenVerifier, algorithm: str) -> None:
    keys: dict[str, Any] = {
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }
    key = keys.get(algorithm, private_key("current"))
    assert refused(ours, jwt.encode(known_claims(), key, algorithm, {"kid": "current"})) == "InvalidAlgorithmError"


@pytest.mark.parametrize("kid", ["forged", "", "../current", "current\x00", "x" * 2048, None, 5, 1.5, True, [], {}])
def test_a_key_id_that_the_pool_does_not_have_is_refused(ours: IdTokenVerifier, kid: Any) -> None:
    refused(ours, assembled({**HEADER, "kid": kid}, known_claims()))


def test_a_token_without_a_key_id_is_refused(ours: IdTokenVerifier) -> None:
    refused(ours, assembled({"alg": "RS256"}, known_claims()))


def test_another_pools_key_with_our_key_id_is_refused(ours: IdTokenVerifier) -> None:
    assert refused(ours, token("other", headers={"kid": "current"})) == "InvalidSignatureError"


def test_a_key_inside_the_token_is_ignored(ours: IdTokenVerifier, endpoint: JwksEndpoint) -> None:
    brought = {"jwk": jwk("other"), "jku": endpoint.url + "?own", "x5u": endpoint.url + "?own", "x5c": ["MIIB"]}
    refused(ours, token("other", headers={"kid": "current", **brought}))
    refused(ours, token("other", headers=brought))
    ours.verify(token(headers=brought))
    assert set(endpoint.asked) == {"/pool/.well-known/jwks.json"}


@pytest.mark.parametrize("critical", [["exp"], [], "exp", ["b64"], [5], None])
def test_a_token_with_critical_extensions_is_refused(ours: IdTokenVerifier, critical: Any) -> None:
    refused(ours, token(headers={"crit": critical}))
    refused(ours, assembled({**HEADER, "crit": critical, "b64": False}, known_claims()))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://cognito-idp.ap-northeast-2.amazonaws.com/ap-northeast-2_other"},
        {"iss": f"{ISSUER}/"},
        {"iss": f"{ISSUER}x"},
        {"iss": ISSUER[:-1]},
        {"iss": [ISSUER]},
        {"iss": ...},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": CLIENT_ID[:-1]},
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "another-client"]},
        {"aud": ...},
        {"aud": None},
        {"aud": ""},
        {"aud": ..., "client_id": CLIENT_ID},
        {"token_use": "access"},
        {"token_use": "access", "aud": ..., "client_id": CLIENT_ID},
        {"token_use": "refresh"},
        {"token_use": ["id"]},
        {"token_use": ...},
        {"sub": ...},
        {"sub": ""},
        {"sub": None},
        {"sub": 5},
        {"sub": ["7d2f"]},
        {"jti": 5},
    ],
    ids=str,
)
def test_a_token_with_another_issuer_audience_or_use_is_refused(ours: IdTokenVerifier, claims: dict[str, Any]) -> None:
    refused(ours, token(**claims))


NUMBERS_THAT_ARE_NONE: list[Any] = [
    ...,
    None,
    "9999999999",
    9999999999.5,
    True,
    [9999999999],
    {},
    float("inf"),
    float("nan"),
]


@pytest.mark.parametrize("value", NUMBERS_THAT_ARE_NONE, ids=str)
@pytest.mark.parametrize("claim", ["exp", "iat"])
def test_a_time_that_is_not_an_integer_is_refused(ours: IdTokenVerifier, claim: str, value: Any) -> None:
    refused(ours, token(**{claim: value}))


def test_an_issue_time_of_true_is_refused(ours: IdTokenVerifier) -> None:
    assert refused(ours, token(iat=True)) == "a time is not an integer"
    assert refused(ours, token(iat=float(int(time.time())))) == "a time is not an integer"


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({"exp": 1}, True),
        ({"exp": -29}, True),
        ({"exp": -30}, False),
        ({"exp": -31}, False),
        ({"exp": -(10**9)}, False),
        ({"iat": 30}, True),
        ({"iat": 31}, False),
        ({"nbf": 30}, True),
        ({"nbf": 31}, False),
        ({"exp": 10**300}, True),
    ],
    ids=str,
)
def test_clocks_may_differ_by_at_most_thirty_seconds(
    ours: IdTokenVerifier, monkeypatch: pytest.MonkeyPatch, claims: dict[str, int], good: bool
) -> None:
    now = int(time.time())

    class Stopped(jwt.api_jwt.datetime):  # type: ignore[misc, name-defined]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls.fromtimestamp(now, tz)

    monkeypatch.setattr(jwt.api_jwt, "datetime", Stopped)
    made = token(**{name: now + seconds for name, seconds in claims.items()})
    if good:
        ours.verify(made)
    else:
        refused(ours, made)


WHOLE = token()
HEAD, BODY, SIGNATURE = WHOLE.split(".")


@pytest.mark.parametrize(
    "text",
    [
        None,
        5,
        WHOLE.encode(),
        [WHOLE],
        "",
        ".",
        "..",
        "Kakao_1000000001",
        "7d2f7a3e-0000-4000-8000-000000000001",
        f"{HEAD}.{BODY}",
        f"{HEAD}.{BODY}.",
        f"{HEAD}..{SIGNATURE}",
        f".{BODY}.{SIGNATURE}",
        f"{WHOLE}.{SIGNATURE}",
        f"{WHOLE}.",
        f"{WHOLE}=",
        f"{WHOLE}\n",
        f" {WHOLE}",
        f"Bearer {WHOLE}",
        WHOLE + "A",
        WHOLE[:-4],
        WHOLE[:-1] + "é",
        f"{HEAD}.{BODY}.{'A' if SIGNATURE[0] != 'A' else 'B'}{SIGNATURE[1:]}",
        f"{HEAD}.{encoded({**known_claims(), 'sub': 'another'})}.{SIGNATURE}",
        f"{encoded({**HEADER, 'typ': 'x'})}.{BODY}.{SIGNATURE}",
        assembled(b"not json", known_claims()),
        assembled(b"\xff\xfe", known_claims()),
        assembled([], known_claims()),
        assembled("text", known_claims()),
        assembled(b"[" * 3000, known_claims()),
        assembled(HEADER, b"not json"),
        assembled(HEADER, b"\xff\xfe"),
        assembled(HEADER, []),
        assembled(HEADER, None),
        assembled(HEADER, b"[" * 3000),
        assembled(HEADER, b'{"exp": ' + b"9" * 5000 + b"}"),
    ],
    ids=map(str, itertools.count()),  # the tokens themselves are new in each process
)
def test_a_malformed_or_incomplete_token_is_refused(ours: IdTokenVerifier, text: Any) -> None:
    ours.verify(WHOLE)
    refused(ours, text)


def test_a_token_over_eight_kilobytes_is_refused_before_it_is_parsed(
    ours: IdTokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    padding_left = 8192 - len(token(filler=""))
    fits = token(filler="x" * (padding_left * 3 // 4 - 3))
    assert 8180 <= len(fits) <= 8192
    ours.verify(fits)
    monkeypatch.setattr(id_token, "_key_id", lambda _: pytest.fail("read it"))
    refused(ours, token(filler="x" * (padding_left * 3 // 4 + 3)))


def test_while_the_keys_cannot_be_fetched_every_token_is_refused(ours: IdTokenVerifier, endpoint: JwksEndpoint) -> None:
    endpoint.status = 503
    with pytest.raises(UnknownKeyError) as refusal:
        ours.verify(WHOLE)
    assert str(refusal.value.failure) == "status 503"


@pytest.mark.parametrize(
    "claims", [{"exp": 1}, {"aud": "canary-client"}, {"iss": "canary"}, {"exp": "canary"}], ids=str
)
def test_the_text_of_an_error_contains_nothing_of_the_token(ours: IdTokenVerifier, claims: dict[str, Any]) -> None:
    for made in (token(**claims), token(**claims) + "x", token(headers={"kid": "canary"}, **claims)):
        with pytest.raises(InvalidTokenError) as refusal:
            ours.verify(made)
        chain = f"{refusal.value!r} {refusal.value.__cause__!r}"
        assert not any(part in chain for part in ("canary", *made.split(".")))
        assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner), max_leaves=4
)
PARTS = st.binary(max_size=60) | st.dictionaries(st.sampled_from(["alg", "kid", "crit", "b64"]), JSON) | JSON
CLAIMS = st.dictionaries(st.sampled_from([*known_claims(), "nbf", "jti"]), JSON)
TEXTS = st.text() | st.from_regex(id_token.JWT_PATTERN, fullmatch=True) | st.binary() | JSON
FORGED = st.builds(assembled, PARTS | st.just(HEADER), PARTS | CLAIMS, st.just(lambda _: b"signature"))
ODD_BUT_SIGNED = st.builds(lambda claims: assembled(HEADER, known_claims() | claims), CLAIMS)


@pytest.fixture(scope="module")
def always_ours() -> Any:
    with jwks_endpoint() as endpoint:
        yield id_tokens(endpoint.url)


@given(text=TEXTS | FORGED)
@example(text=WHOLE[:-1] + ("A" if WHOLE[-1] != "A" else "B"))
def test_any_unsigned_input_is_refused_with_invalid_token_error(always_ours: IdTokenVerifier, text: Any) -> None:
    refused(always_ours, text)


@given(text=ODD_BUT_SIGNED)
def test_a_signed_token_with_odd_claims_is_valid_or_refused_with_invalid_token_error(
    always_ours: IdTokenVerifier, text: str
) -> None:
    try:
        claims = always_ours.verify(text)
    except InvalidTokenError:
        return
    assert (claims["iss"], claims["aud"], claims["token_use"]) == (ISSUER, CLIENT_ID, "id")
    assert (type(claims["exp"]), type(claims["iat"]), type(claims["sub"])) == (int, int, str)
