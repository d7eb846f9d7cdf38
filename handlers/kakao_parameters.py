"""Kakao's own parameters of a login link: which ones reach Kakao, and with which values.

https://developers.kakao.com/docs/latest/ko/kakaologin/rest-api#request-code. A login link names them as Kakao does. All
other parameters stay behind.
"""

import re
from collections.abc import Mapping
from urllib.parse import parse_qs, quote, urlencode

from handlers.errors import KakaoParameterError

PROMPT = "prompt"
PROMPTS = "login", "none", "create", "select_account"
NO_PROMPT = "none"  # Kakao shows no page: it signs the user in at once, or answers with an error
LIST = r"{0}(,{0}){{0,9}}"  # separated by commas
LOGIN_HINT = (
    r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}(@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,4})?"  # e-mail, or its local part
    r"|\+?[0-9][0-9 -]{5,19}"  # phone number, such as +82 10-1234-5678
)
GRAMMARS: Mapping[str, re.Pattern[str]] = {
    PROMPT: re.compile(LIST.format(f"({'|'.join(PROMPTS)})")),
    "login_hint": re.compile(LOGIN_HINT),
    "service_terms": re.compile(LIST.format(r"[A-Za-z0-9_.-]{1,64}")),  # tags of terms
    "channel_public_id": re.compile(LIST.format(r"_[A-Za-z0-9]{1,32}")),  # such as _ZeUTxl
}
MAX_LENGTH = 400  # of all together, percent-encoded: they share the login's cookie with the return address


def parse(query: Mapping[str, list[str]]) -> dict[str, str]:
    """Return Kakao's parameters in a query. An empty one counts as absent (RFC 6749 section 3.1).

    Raises KakaoParameterError where one occurs twice, has a wrong value, or where they are too long.
    """
    found: dict[str, str] = {}
    for name, grammar in GRAMMARS.items():
        values = query.get(name, [])
        if values in ([], [""]):
            continue
        if len(values) > 1 or not grammar.fullmatch(values[0]):
            raise KakaoParameterError(name)
        found[name] = values[0]
    prompts = found.get(PROMPT, "").split(",")
    # OpenID Connect Core 1.0, section 3.1.2.1: `none` excludes every other value.
    if len(set(prompts)) < len(prompts) or (NO_PROMPT in prompts and len(prompts) > 1):
        raise KakaoParameterError(PROMPT)
    if len(encode(found)) > MAX_LENGTH:
        raise KakaoParameterError("too long together")
    return found


def encode(parameters: Mapping[str, str]) -> str:
    """Return the parameters as a query."""
    return urlencode(parameters, quote_via=quote, safe=",@")


def decode(text: str) -> dict[str, str]:
    """Return the parameters of `encode`, checked again. Raises KakaoParameterError."""
    try:
        return parse(parse_qs(text, keep_blank_values=True, max_num_fields=len(GRAMMARS)))
    except ValueError:
        raise KakaoParameterError("too many") from None


def is_silent(parameters: Mapping[str, str]) -> bool:
    """Return whether Kakao is to show no page, so that a failure is none of the user's making."""
    return parameters.get(PROMPT) == NO_PROMPT
