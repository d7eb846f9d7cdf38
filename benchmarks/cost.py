"""What a month costs, and which quota ends first: `python -m benchmarks.cost` prints the tables of docs/guides/cost.md.

Prices and quotas are constants with their source; habits are assumptions. Change what differs for you, and run it.
"""

from collections.abc import Callable
from typing import NamedTuple

Costs = dict[str, float]
Table = Callable[[], str]

PEOPLE = (1_000, 100_000, 10_000_000)  # active in a month
SECONDS = 30 * 24 * 3600
PEAK = 5  # the busiest second, the average one being 1
EVER = float("inf")
M = 1_000_000


class Price(NamedTuple):
    """US dollars for one, in ascending tiers of (up to how many a month, each)."""

    unit: str
    tiers: tuple[tuple[float, float], ...]
    page: str
    known: str

    def of(self, amount: float) -> float:
        """Return what this amount costs in a month."""
        cost = below = 0.0
        for most, each in self.tiers:
            cost += max(0.0, min(amount, most) - below) * each
            below = most
        return cost


READ, QUOTED, OPEN = "read", "quoted", "not verified"  # docs/guides/cost.md says what each means
PAGES = {
    name: f"https://aws.amazon.com/{name}/pricing/"
    for name in ("cognito", "api-gateway", "lambda", "cloudfront", "cloudwatch", "kms", "waf")
}
DATE = "2026-11-21"
# ap-northeast-2, people in South Korea. A new account's credits and first-year free tiers are left out.
PRICES = {
    "federated": Price("person linked to an OIDC or SAML identity", ((50, 0), (EVER, 0.015)), "cognito", QUOTED),
    "native": Price("person of the pool's own, Essentials", ((10_000, 0), (EVER, 0.015)), "cognito", QUOTED),
    "capacity": Price("request a second above a quota", ((EVER, 20),), "cognito", OPEN),
    "http": Price("HTTP API request", ((300 * M, 1.23 / M), (EVER, 1.11 / M)), "api-gateway", OPEN),
    "message": Price("WebSocket message", ((1000 * M, 1.14 / M), (EVER, 0.94 / M)), "api-gateway", QUOTED),
    "minute": Price("WebSocket minute", ((EVER, 0.285 / M),), "api-gateway", OPEN),
    "call": Price("Lambda call", ((M, 0), (EVER, 0.20 / M)), "lambda", QUOTED),
    "GB-second": Price("Lambda GB-second, arm64", ((400_000, 0), (EVER, 13.3334 / M)), "lambda", QUOTED),
    "edge": Price("CloudFront HTTPS request", ((10 * M, 0), (EVER, 1.2 / M)), "cloudfront", OPEN),
    "edge function": Price("CloudFront function call", ((2 * M, 0), (EVER, 0.1 / M)), "cloudfront", QUOTED),
    "sent": Price("GB sent by CloudFront", ((1024, 0), (10_240, 0.12), (EVER, 0.10)), "cloudfront", READ),
    "logged": Price("GB of log lines", ((5, 0), (EVER, 0.76)), "cloudwatch", QUOTED),
    "alarm": Price("alarm", ((10, 0), (EVER, 0.10)), "cloudwatch", QUOTED),
    "metric": Price("metric of the alarms' own", ((10, 0), (EVER, 0.30)), "cloudwatch", QUOTED),
    "dashboard": Price("dashboard", ((3, 0), (EVER, 3)), "cloudwatch", QUOTED),
    "key": Price("KMS key of `deployment/`", ((EVER, 1),), "kms", QUOTED),
    "firewall": Price("firewall (web ACL)", ((EVER, 5),), "waf", QUOTED),
    "rule": Price("firewall's rule", ((EVER, 1),), "waf", QUOTED),
    "inspected": Price("request through a firewall", ((EVER, 0.60 / M),), "waf", QUOTED),
}


class Quota(NamedTuple):
    """Requests a second of an account in a region; `step` more, on request, for each million people above two."""

    default: int
    step: int


QUOTAS = {
    "UserFederation": Quota(25, 10),
    "UserAuthentication": Quota(120, 40),
    "UserRead": Quota(120, 40),
    "UserCreation": Quota(50, 10),
    "UserUpdate": Quota(25, 0),
}

# What a person does in a month. All come through Kakao on the web.
VISITS = 20  # each loads the page and keeps a WebSocket open
SIGN_INS = 4
REFRESHES = 40
API_REQUESTS = 200  # behind a token: userinfo, and what a team adds
FILES, KB_LOADED, KB_ANSWERED = 5, 12, 1  # a visit's, a visit's, a request's
MINUTES, MESSAGES = 10, 10  # a visit's; each message is answered
KB_LINE = 0.3  # a line for each request and each call
# What a call takes, warm, at 512 MB.
MEMORY = 0.5
QUICK, ASKING = 0.005, 0.05  # seconds: alone, and where AWS is asked
# What stands there, whoever comes; two alarms are those of sign-in with a Kakao token.
ALARMS, METRICS, DASHBOARDS = 21, 5, 1
FIREWALL_RULES = {"site": 5, "user pool": 3}


def month(people: int, *, usual: bool = False) -> Costs:
    """Return what each service costs in a month.

    The usual way is a function that authorizes each request to the API, and asks Cognito's AdminGetUser for it.
    """
    requests = people * (2 * SIGN_INS + REFRESHES + API_REQUESTS)
    quick = people * (SIGN_INS + API_REQUESTS + 2 * VISITS)  # login, API, connect and disconnect
    asking = people * (SIGN_INS + REFRESHES + VISITS + VISITS * MESSAGES)  # callback, refresh, authorizer, chat
    if usual:
        asking += people * API_REQUESTS
    calls, edge = quick + asking, at_the_edge(people)
    sent = people * VISITS * KB_LOADED + requests * KB_ANSWERED
    above = sum(max(0.0, busiest(people, each) - quota_at(name, people)) for name, each in asked(usual).items())
    return {
        "Cognito, people": PRICES["federated"].of(people),
        "Cognito, above its quotas": PRICES["capacity"].of(above),
        "API Gateway, HTTP": PRICES["http"].of(requests),
        "API Gateway, WebSocket": PRICES["message"].of(people * VISITS * MESSAGES * 2)
        + PRICES["minute"].of(people * VISITS * MINUTES),
        "Lambda": PRICES["call"].of(calls) + PRICES["GB-second"].of((quick * QUICK + asking * ASKING) * MEMORY),
        "CloudFront": PRICES["edge"].of(edge) + PRICES["edge function"].of(edge) + PRICES["sent"].of(sent / 1024**2),
        "CloudWatch, log lines": PRICES["logged"].of((requests + calls) * KB_LINE / 1024**2),
        "CloudWatch, alarms and dashboard": PRICES["alarm"].of(ALARMS)
        + PRICES["metric"].of(METRICS)
        + PRICES["dashboard"].of(DASHBOARDS),
    }


def at_the_edge(people: int) -> float:
    """Return how many requests reach CloudFront."""
    return people * (VISITS * (FILES + 1) + 2 * SIGN_INS + REFRESHES + API_REQUESTS)


def firewall(people: int) -> float:
    """Return what `waf` adds; at the hosted login a sign-in is three requests, a refresh one."""
    return (
        PRICES["firewall"].of(len(FIREWALL_RULES))
        + PRICES["rule"].of(sum(FIREWALL_RULES.values()))
        + PRICES["inspected"].of(at_the_edge(people) + people * (3 * SIGN_INS + REFRESHES))
    )


def asked(usual: bool) -> dict[str, int]:
    """Return what a person's month asks of Cognito, by quota."""
    return {
        "UserFederation": SIGN_INS,
        "UserAuthentication": REFRESHES,
        "UserRead": VISITS + (API_REQUESTS if usual else 0),  # connectChecksUser asks at each connect
    }


def busiest(people: float, each: float) -> float:
    """Return the requests in the busiest second, where a person makes `each` a month."""
    return people * each / SECONDS * PEAK


def quota_at(name: str, people: float) -> float:
    """Return the requests a second that AWS grants so many people."""
    default, step = QUOTAS[name]
    return default + step * max(0.0, people / M - 2)


def dollars(amount: float) -> str:
    """Write an amount, in cents where it is small."""
    return f"${amount:,.2f}" if amount < 100 else f"${amount:,.0f}"


def table(*rows: tuple[str, ...]) -> str:
    """Write rows as Markdown, the first as the head, and all but the first column to the right."""
    head, *body = rows
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def prices() -> str:
    """Each price, with where it is from and how well it is known."""
    rows = []
    for unit, tiers, page, known in PRICES.values():
        (most, first), *others = tiers
        scale, name = (M, f"million × {unit}") if tiers[-1][1] < 0.001 else (1, unit)
        each = [f"{price * scale:,.6g}" for _, price in tiers if price]
        free = f"{most:,.0f}" if not first else ""
        above = f" (beyond {most if first else others[0][0]:,.0f})" if len(each) > 1 else ""
        rows.append((name, "$" + ", $".join(each) + above, free, known, f"[{page}]({PAGES[page]})"))
    return table(("one", "price", "free in a month", "known", "page"), *rows)


def by_service() -> str:
    """What a month costs, where nobody comes and in the three sizes."""
    sizes = (0, *PEOPLE)
    months = [month(people) for people in sizes]
    rows = [(name, *(dollars(costs[name]) for costs in months)) for name in months[0]]
    totals = [sum(costs.values()) for costs in months]
    return table(
        ("people", "nobody", *(f"{people:,}" for people in PEOPLE)),
        *rows,
        ("**all**", *(f"**{dollars(total)}**" for total in totals)),
        ("without Cognito's people", *(dollars(t - m["Cognito, people"]) for t, m in zip(totals, months, strict=True))),
        ("`waf`, on top", *(dollars(firewall(people)) for people in sizes)),
        ("KMS keys of `deployment/`, two, on top", *(dollars(PRICES["key"].of(2)) for _ in sizes)),
    )


def against_the_usual_way() -> str:
    """What the usual way costs on top, in the three sizes."""
    pairs = [(month(people), month(people, usual=True)) for people in PEOPLE]
    changed = [name for name in pairs[0][0] if any(ours[name] != usual[name] for ours, usual in pairs)]
    return table(
        ("people", *(f"{people:,}" for people in PEOPLE)),
        *((name, *(dollars(usual[name] - ours[name]) for ours, usual in pairs)) for name in changed),
        ("**all**", *(f"**{dollars(sum(usual.values()) - sum(ours.values()))}**" for ours, usual in pairs)),
    )


def quotas() -> str:
    """What the busiest second asks of each quota, and how many people fill it."""
    rows = []
    for usual in (False, True):
        for name, each in asked(usual).items():
            if usual and each == asked(False)[name]:
                continue
            full = QUOTAS[name].default * SECONDS / PEAK / each
            rows.append(
                (
                    f"`{name}`" + (", the usual way" if usual else ""),
                    *(f"{busiest(people, each):,.1f} of {quota_at(name, people):,.0f}" for people in PEOPLE),
                    f"{full:,.0f}" if full < 2 * M else "over 2,000,000",
                )
            )
    return table(("quota", *(f"{people:,}" for people in PEOPLE), "people who fill it"), *rows)


WAYS = {
    "Kakao on the web, all at once, as at a launch": {"UserFederation": 1},
    "Kakao on the web, every day, ten refreshes to a sign-in": {"UserFederation": 1, "UserAuthentication": 10},
    "e-mail and password": {"UserAuthentication": 1},
    "a Kakao token, the first time": {"UserRead": 3, "UserCreation": 1, "UserUpdate": 1, "UserAuthentication": 1},
    "a Kakao token, later": {"UserRead": 1, "UserAuthentication": 1},
}


def sign_in_rates() -> str:
    """How many sign-ins a second each way in lasts to, with the quotas as they are at first."""
    rows = []
    for way, asks in WAYS.items():
        name = min(asks, key=lambda quota: QUOTAS[quota].default / asks[quota])
        rows.append((way, f"`{name}`", f"{QUOTAS[name].default / asks[name]:.0f}"))
    return table(("sign-in", "quota that ends first", "at sign-ins a second"), *rows)


def by_kind_of_person() -> str:
    """What Cognito takes for people, by what they are to Cognito."""
    return table(
        ("people", *(f"{people:,}" for people in PEOPLE)),
        ("Kakao, hosted login or token", *(dollars(PRICES["federated"].of(people)) for people in PEOPLE)),
        ("e-mail and password", *(dollars(PRICES["native"].of(people)) for people in PEOPLE)),
    )


TABLES: tuple[Table, ...] = (by_service, against_the_usual_way, sign_in_rates, quotas, by_kind_of_person, prices)

if __name__ == "__main__":
    print(*(f"{write.__doc__}\n\n{write()}" for write in TABLES), sep="\n\n")
