"""The monthly cost, and the quota that is reached first: prints the tables of docs/guides/cost.md.

Run `python -m benchmarks.cost`. Prices and quotas have a source; the habits of users are assumptions. Change them and
run it again.
"""

from collections.abc import Callable
from typing import NamedTuple

Costs = dict[str, float]
Table = Callable[[], str]

USERS = (1_000, 100_000, 10_000_000)  # active in a month
SECONDS_A_MONTH = 30 * 24 * 3600
PEAK = 5  # requests of the busiest second, for each request of an average second
NO_LIMIT = float("inf")
M = 1_000_000


class Price(NamedTuple):
    """US dollars for one unit, in ascending tiers of (units a month up to, price of each)."""

    unit: str
    tiers: tuple[tuple[float, float], ...]
    page: str
    known: str

    def of(self, amount: float) -> float:
        """Return the cost of this amount in a month."""
        cost = below = 0.0
        for most, each in self.tiers:
            cost += max(0.0, min(amount, most) - below) * each
            below = most
        return cost


READ, QUOTED, OPEN = "read", "quoted", "not verified"  # docs/guides/cost.md explains them
PAGES = {
    name: f"https://aws.amazon.com/{name}/pricing/"
    for name in ("cognito", "api-gateway", "lambda", "dynamodb", "cloudfront", "cloudwatch", "kms", "waf")
}
DATE = "2026-11-21"
# ap-northeast-2, users in South Korea, without the credits and free tiers of a new account.
PRICES = {
    "federated": Price("user linked to an OIDC or SAML identity", ((50, 0), (NO_LIMIT, 0.015)), "cognito", QUOTED),
    "native": Price("native user, Essentials", ((10_000, 0), (NO_LIMIT, 0.015)), "cognito", QUOTED),
    "capacity": Price("request a second above a quota", ((NO_LIMIT, 20),), "cognito", OPEN),
    "http": Price("HTTP API request", ((300 * M, 1.23 / M), (NO_LIMIT, 1.11 / M)), "api-gateway", OPEN),
    "message": Price("WebSocket message", ((1000 * M, 1.14 / M), (NO_LIMIT, 0.94 / M)), "api-gateway", QUOTED),
    "minute": Price("WebSocket minute", ((NO_LIMIT, 0.285 / M),), "api-gateway", OPEN),
    "call": Price("Lambda call", ((M, 0), (NO_LIMIT, 0.20 / M)), "lambda", QUOTED),
    "GB-second": Price("Lambda GB-second, arm64", ((400_000, 0), (NO_LIMIT, 13.3334 / M)), "lambda", QUOTED),
    "written": Price("DynamoDB write", ((NO_LIMIT, 0.678 / M),), "dynamodb", OPEN),
    "read": Price("DynamoDB read", ((NO_LIMIT, 0.1355 / M),), "dynamodb", OPEN),
    "edge": Price("CloudFront HTTPS request", ((10 * M, 0), (NO_LIMIT, 1.2 / M)), "cloudfront", OPEN),
    "edge function": Price("CloudFront function call", ((2 * M, 0), (NO_LIMIT, 0.1 / M)), "cloudfront", QUOTED),
    "sent": Price("GB sent by CloudFront", ((1024, 0), (10_240, 0.12), (NO_LIMIT, 0.10)), "cloudfront", READ),
    "logged": Price("GB of log lines", ((5, 0), (NO_LIMIT, 0.76)), "cloudwatch", QUOTED),
    "alarm": Price("alarm", ((10, 0), (NO_LIMIT, 0.10)), "cloudwatch", QUOTED),
    "metric": Price("custom metric", ((10, 0), (NO_LIMIT, 0.30)), "cloudwatch", QUOTED),
    "dashboard": Price("dashboard", ((3, 0), (NO_LIMIT, 3)), "cloudwatch", QUOTED),
    "key": Price("KMS key of `deployment/`", ((NO_LIMIT, 1),), "kms", QUOTED),
    "firewall": Price("firewall (web ACL)", ((NO_LIMIT, 5),), "waf", QUOTED),
    "rule": Price("rule of a firewall", ((NO_LIMIT, 1),), "waf", QUOTED),
    "inspected": Price("request through a firewall", ((NO_LIMIT, 0.60 / M),), "waf", QUOTED),
}


class Quota(NamedTuple):
    """Requests a second of an account and region. On request AWS adds `step` per million users above two million."""

    default: int
    step: int


QUOTAS = {
    "UserFederation": Quota(25, 10),
    "UserAuthentication": Quota(120, 40),
    "UserRead": Quota(120, 40),
    "UserCreation": Quota(50, 10),
    "UserUpdate": Quota(25, 0),
}

# What a user does in a month. All users sign in with Kakao on the web.
VISITS = 20  # each loads the page and opens a WebSocket
SIGN_INS = 4
REFRESHES = 40
API_REQUESTS = 200  # with a token: userinfo, and the team's routes
FILES, KB_LOADED, KB_ANSWERED = 6, 13, 1  # files of a visit, KB of a visit, KB of a request
MINUTES, MESSAGES = 10, 10  # of a visit; each message gets an answer
KB_LINE = 0.3  # one line for each request and each call
# A warm call with 512 MB.
MEMORY = 0.5
QUICK, ASKING = 0.005, 0.05  # seconds of a call without and with a request to AWS or Kakao
# The stack's resources without users. Two alarms belong to the sign-in with a Kakao token.
ALARMS, METRICS, DASHBOARDS = 24, 5, 1
FIREWALL_RULES = {"site": 5, "user pool": 3}


def month(users: int, *, usual: bool = False) -> Costs:
    """Return the cost of each service in a month.

    The usual way is a Lambda authorizer that calls AdminGetUser for each request to the API.
    """
    requests = users * (3 * SIGN_INS + REFRESHES + API_REQUESTS)  # login, callback, and Cognito for the claims
    quick = users * (SIGN_INS + API_REQUESTS)  # login, API
    # Callback, claims, refresh, authorizer, and the chat: connect, disconnect and each message.
    asking = users * (2 * SIGN_INS + REFRESHES + VISITS + VISITS * (2 + MESSAGES))
    if usual:
        asking += users * API_REQUESTS
    calls, edge = quick + asking, at_the_edge(users)
    sent = users * VISITS * KB_LOADED + requests * KB_ANSWERED
    above = sum(max(0.0, busiest(users, each) - quota_at(name, users)) for name, each in asked(usual).items())
    return {
        "Cognito, users": PRICES["federated"].of(users),
        "Cognito, above its quotas": PRICES["capacity"].of(above),
        "API Gateway, HTTP": PRICES["http"].of(requests),
        "API Gateway, WebSocket": PRICES["message"].of(users * VISITS * MESSAGES * 2)
        + PRICES["minute"].of(users * VISITS * MINUTES),
        "Lambda": PRICES["call"].of(calls) + PRICES["GB-second"].of((quick * QUICK + asking * ASKING) * MEMORY),
        "DynamoDB": PRICES["written"].of(users * VISITS * 2) + PRICES["read"].of(users * VISITS * MESSAGES),
        "CloudFront": PRICES["edge"].of(edge) + PRICES["edge function"].of(edge) + PRICES["sent"].of(sent / 1024**2),
        "CloudWatch, log lines": PRICES["logged"].of((requests + calls) * KB_LINE / 1024**2),
        "CloudWatch, alarms and dashboard": PRICES["alarm"].of(ALARMS)
        + PRICES["metric"].of(METRICS)
        + PRICES["dashboard"].of(DASHBOARDS),
    }


def at_the_edge(users: int) -> float:
    """Return the number of requests to CloudFront."""
    return users * (VISITS * (FILES + 1) + 2 * SIGN_INS + REFRESHES + API_REQUESTS)


def firewall(users: int) -> float:
    """Return the cost of `waf`. At the hosted login a sign-in is three requests, and a refresh is one."""
    return (
        PRICES["firewall"].of(len(FIREWALL_RULES))
        + PRICES["rule"].of(sum(FIREWALL_RULES.values()))
        + PRICES["inspected"].of(at_the_edge(users) + users * (3 * SIGN_INS + REFRESHES))
    )


def asked(usual: bool) -> dict[str, int]:
    """Return the requests of a user to Cognito in a month, by quota."""
    return {
        "UserFederation": SIGN_INS,
        "UserAuthentication": REFRESHES,
        "UserRead": VISITS + (API_REQUESTS if usual else 0),  # connectChecksUser asks at each connect
    }


def busiest(users: float, each: float) -> float:
    """Return the requests in the busiest second, if each user makes `each` requests a month."""
    return users * each / SECONDS_A_MONTH * PEAK


def quota_at(name: str, users: float) -> float:
    """Return the requests a second that AWS allows for this number of users."""
    default, step = QUOTAS[name]
    return default + step * max(0.0, users / M - 2)


def dollars(amount: float) -> str:
    """Return the text of an amount, with cents if it is small."""
    return f"${amount:,.2f}" if amount < 100 else f"${amount:,.0f}"


def table(*rows: tuple[str, ...]) -> str:
    """Return rows as a Markdown table. The first row is the head; all columns but the first are right-aligned."""
    head, *body = rows
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def prices() -> str:
    """Each price, with its source and how well it is known."""
    rows = []
    for unit, tiers, page, known in PRICES.values():
        (most, first), *others = tiers
        scale, name = (M, f"million × {unit}") if tiers[-1][1] < 0.001 else (1, unit)
        each = [f"{price * scale:,.6g}" for _, price in tiers if price]
        free = f"{most:,.0f}" if not first else ""
        above = f" (beyond {most if first else others[0][0]:,.0f})" if len(each) > 1 else ""
        rows.append((name, "$" + ", $".join(each) + above, free, known, f"[{page}]({PAGES[page]})"))
    return table(("unit", "price", "free in a month", "known", "page"), *rows)


def by_service() -> str:
    """The cost of a month without users and for three numbers of users."""
    sizes = (0, *USERS)
    months = [month(users) for users in sizes]
    rows = [(name, *(dollars(costs[name]) for costs in months)) for name in months[0]]
    totals = [sum(costs.values()) for costs in months]
    return table(
        ("users", "0", *(f"{users:,}" for users in USERS)),
        *rows,
        ("**all**", *(f"**{dollars(total)}**" for total in totals)),
        ("without Cognito's users", *(dollars(t - m["Cognito, users"]) for t, m in zip(totals, months, strict=True))),
        ("`waf`, on top", *(dollars(firewall(users)) for users in sizes)),
        ("KMS keys of `deployment/`, two, on top", *(dollars(PRICES["key"].of(2)) for _ in sizes)),
    )


def against_the_usual_way() -> str:
    """The additional cost of the usual way, for three numbers of users."""
    pairs = [(month(users), month(users, usual=True)) for users in USERS]
    changed = [name for name in pairs[0][0] if any(ours[name] != usual[name] for ours, usual in pairs)]
    return table(
        ("users", *(f"{users:,}" for users in USERS)),
        *((name, *(dollars(usual[name] - ours[name]) for ours, usual in pairs)) for name in changed),
        ("**all**", *(f"**{dollars(sum(usual.values()) - sum(ours.values()))}**" for ours, usual in pairs)),
    )


def quotas() -> str:
    """The requests of the busiest second by quota, and the number of users that reach the quota."""
    rows = []
    for usual in (False, True):
        for name, each in asked(usual).items():
            if usual and each == asked(False)[name]:
                continue
            full = QUOTAS[name].default * SECONDS_A_MONTH / PEAK / each
            rows.append(
                (
                    f"`{name}`" + (", the usual way" if usual else ""),
                    *(f"{busiest(users, each):,.1f} of {quota_at(name, users):,.0f}" for users in USERS),
                    f"{full:,.0f}" if full < 2 * M else "over 2,000,000",
                )
            )
    return table(("quota", *(f"{users:,}" for users in USERS), "users who reach it"), *rows)


WAYS = {
    "Kakao on the web, all at once, as at a launch": {"UserFederation": 1},
    "Kakao on the web, every day, ten refreshes to a sign-in": {"UserFederation": 1, "UserAuthentication": 10},
    "Kakao on the web, `direct`, the first time": {"UserRead": 1, "UserCreation": 1, "UserAuthentication": 2},
    "Kakao on the web, `direct`, later": {"UserRead": 1, "UserAuthentication": 2},
    "e-mail and password": {"UserAuthentication": 1},
    "a Kakao token, the first time": {"UserRead": 3, "UserCreation": 1, "UserUpdate": 1, "UserAuthentication": 2},
    "a Kakao token, later": {"UserRead": 1, "UserAuthentication": 2},
}


def _first_quota(asks: dict[str, int]) -> tuple[str, float]:
    """Return the default quota that is reached first, and the sign-ins a second at which it is."""
    name = min(asks, key=lambda quota: QUOTAS[quota].default / asks[quota])
    return name, QUOTAS[name].default / asks[name]


def sign_in_rates() -> str:
    """The sign-ins a second at which each way to sign in reaches a default quota."""
    firsts = {way: _first_quota(asks) for way, asks in WAYS.items()}
    rows = [(way, f"`{name}`", f"{rate:.0f}") for way, (name, rate) in firsts.items()]
    return table(("sign-in", "first quota reached", "at sign-ins a second"), *rows)


def by_kind_of_user() -> str:
    """Cognito's price for users, by kind of user."""
    return table(
        ("users", *(f"{users:,}" for users in USERS)),
        ("Kakao, hosted login or token", *(dollars(PRICES["federated"].of(users)) for users in USERS)),
        ("e-mail and password", *(dollars(PRICES["native"].of(users)) for users in USERS)),
    )


def by_mode() -> str:
    """Cognito's price for Kakao users and the quota of a launch, by `kakaoSignIn`."""
    modes = {"hosted": "federated", "direct": "native"}
    ways = {
        "hosted": "Kakao on the web, all at once, as at a launch",
        "direct": "Kakao on the web, `direct`, the first time",
    }
    firsts = {mode: _first_quota(WAYS[way]) for mode, way in ways.items()}
    return table(
        ("", *(f"`{mode}`" for mode in modes)),
        ("free users a month", *(f"{PRICES[kind].tiers[0][0]:,.0f}" for kind in modes.values())),
        ("each further user", *(f"${PRICES[kind].tiers[-1][1]}" for kind in modes.values())),
        *((f"{users:,} users", *(dollars(PRICES[kind].of(users)) for kind in modes.values())) for users in USERS),
        ("quota of a launch", *(f"`{firsts[mode][0]}`" for mode in modes)),
        ("first sign-ins a second", *(f"{firsts[mode][1]:.0f}" for mode in modes)),
    )


TABLES: tuple[Table, ...] = (
    by_service,
    against_the_usual_way,
    sign_in_rates,
    quotas,
    by_mode,
    by_kind_of_user,
    prices,
)

if __name__ == "__main__":
    print(*(f"{write.__doc__}\n\n{write()}" for write in TABLES), sep="\n\n")
