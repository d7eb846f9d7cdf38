"""A route of the team, and the routes that are refused before a deployment."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.alarms import Alarms
from infra.function import Function, Platform
from infra.http_api import HttpApi
from infra.route import Route
from sandbox.program import ROOT
from tests.infra.engine import Graph, declare_component, function_behind

Declare = Callable[..., Graph]


def api_and_function() -> tuple[HttpApi, Function]:
    """Declare an API and a function, inside of a program."""
    alarms = Alarms("alarms", email="")
    api = HttpApi("api", log_days=7, alarms=alarms)
    api.accept_tokens(issuer="https://issuer.example", client_ids=["client"])
    platform = Platform("python3.13", "arm64", 7, "", True, alarms)
    return api, Function("notes", source=ROOT / "handlers" / "pre_authentication.py", platform=platform)


@pytest.fixture
def declare(tmp_path: Path) -> Declare:
    """Declares an API, a function and routes of it, as the arguments of Route say."""

    def declare(*routes: str | list[str], public: bool = False) -> Graph:
        def program() -> None:
            api, function = api_and_function()
            for number, route in enumerate(routes):
                Route(f"notes{number or ''}", api=api, route=route, function=function, public=public)

        return declare_component(program)

    return declare


def test_a_route_is_for_signed_in_users_unless_it_says_otherwise(declare: Declare) -> None:
    for public, guard in ((False, "JWT"), (True, "NONE")):
        graph = declare("POST /api/notes", public=public)
        assert graph.one("Route", routeKey="POST /api/notes")["authorizationType"] == guard


def test_a_get_route_has_a_head_route_and_each_has_its_own_permission(declare: Declare) -> None:
    graph = declare(["GET /api/notes/{id}", "DELETE /api/notes/{id}"])
    routes = {route["routeKey"]: route for route in graph.of_api("HTTP", "Route")}
    assert set(routes) == {f"{method} /api/notes/{{id}}" for method in ("GET", "HEAD", "DELETE")}
    arn = graph.one("Api").outputs["executionArn"]
    for key, route in routes.items():
        assert function_behind(graph, route).name == "notes"
        assert route.parent == "notes"
        assert graph.one("Permission", sourceArn=f"{arn}/*/{key.replace(' ', '')}")
    assert len(graph.all("Integration")) == 1


OURS = "would answer 401 to every browser: .* choose another path"
REFUSED = {  # a route: why
    "/api/notes": "is no route",
    "get /api/notes": "is no route",
    "GET  /api/notes": "is no route",
    "GET /api/notes/": "is no route",
    "GET /api/notes?x=1": "is no route",
    "OPTIONS /api/notes": "is no route",
    "GET /notes": r"is unreachable: CloudFront forwards only /api/\*; begin the path with /api/$",
    "GET /apis/notes": "is unreachable",
    "GET /api/auth/notes": OURS,
    "GET /api/kakao/notes": OURS,
    "GET /api/kakao/notes/{id}": OURS,
    "GET /api/kakao": OURS,
    "GET /api/auth": OURS,
    "GET /api/userinfo": "is served already",
    "GET /api/{rest+}/notes": "a variable with a plus stands at the end of a path only",
    "GET /api/items/{item}": r"and 'GET /api/items/{id}' differ in the name of a variable alone: use one name in both",
    "GET /api/items/{item}/{part}": "and 'GET /api/items/{id}/{part}' differ in the name of a variable alone",
}


@pytest.fixture(scope="module")
def refusals() -> dict[str, str]:
    """What each of these routes is refused with."""
    found = {}

    def program() -> None:
        api, function = api_and_function()
        api.serve("login", function, "GET /api/userinfo", "GET /api/items/{id}", "GET /api/items/{id}/{part}")
        for route in REFUSED:
            try:
                Route("notes", api=api, route=route, function=function)
            except ValueError as refusal:
                found[route] = str(refusal)

    declare_component(program)
    return found


@pytest.mark.parametrize("route", REFUSED)
def test_a_route_that_cannot_work_is_refused_with_the_reason(refusals: dict[str, str], route: str) -> None:
    assert re.search(REFUSED[route], refusals.get(route, "declared"))


def test_a_route_that_exists_already_is_refused(declare: Declare) -> None:
    with pytest.raises(ValueError, match="'GET /api/notes' is served already"):
        declare("GET /api/notes", ["POST /api/notes", "GET /api/notes"])


def test_variables_of_different_names_in_one_place_are_refused_for_one_service_too(declare: Declare) -> None:
    with pytest.raises(ValueError, match=r"'GET /api/notes/{a}' and 'GET /api/notes/{b}' differ in the name"):
        declare(["GET /api/notes/{a}", "GET /api/notes/{b}"])


def test_routes_that_api_gateway_distinguishes_are_accepted(declare: Declare) -> None:
    """API Gateway documents no conflict between these."""
    routes = ["GET /api/notes/{id}", "DELETE /api/notes/{note}", "GET /api/notes/{id}/{x}", "GET /api/notes/{rest+}"]
    assert declare(routes)
