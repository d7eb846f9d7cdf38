"""A browser as the handlers see it: it sends events and keeps cookies."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

Answer = dict[str, Any]


@dataclass(frozen=True)
class SetCookie:
    name: str
    value: str
    attributes: dict[str, str]

    @classmethod
    def parse(cls, line: str) -> "SetCookie":
        pair, *attributes = line.split("; ")
        name, _, value = pair.partition("=")
        return cls(name, value, {key: given for key, _, given in (part.partition("=") for part in attributes)})


def set_cookies(answer: Answer) -> dict[str, SetCookie]:
    cookies = [SetCookie.parse(line) for line in answer["cookies"]]
    assert len({cookie.name for cookie in cookies}) == len(cookies)
    return {cookie.name: cookie for cookie in cookies}


@dataclass
class Client:
    handler: Any
    cookies: dict[str, str] = field(default_factory=dict)

    def send(
        self,
        route: str,
        parameters: Any = (),
        *,
        headers: dict[str, str] | None = None,
        cookies: list[str] | None = None,
        raw_query: str | None = None,
        **more: Any,
    ) -> Answer:
        event = {
            "version": "2.0",
            "routeKey": route,
            "rawPath": route.split(" ")[1],
            "rawQueryString": urlencode(parameters, doseq=True) if raw_query is None else raw_query,
            "headers": headers or {},
            "cookies": [f"{name}={value}" for name, value in self.cookies.items()] if cookies is None else cookies,
            **more,
        }
        answer: Answer = self.handler(event, None)
        for cookie in set_cookies(answer).values():
            if cookie.attributes["Max-Age"] == "0":
                self.cookies.pop(cookie.name, None)
            else:
                self.cookies[cookie.name] = cookie.value
        return answer
