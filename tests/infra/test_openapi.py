"""docs/reference/openapi.yaml matches the declared routes."""

import re
from typing import Any

import pytest
import yaml

from handlers import contract
from sandbox.program import ROOT
from tests.infra.engine import Graph


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docs" / "reference" / "openapi.yaml").read_text())


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "parameters"
    }


def http_routes(stack: Graph) -> dict[str, Any]:
    api = stack.one("Api", protocolType="HTTP")
    return {route["routeKey"]: route for route in stack.all("Route") if route["apiId"] == api.outputs["id"]}


def test_the_openapi_document_has_exactly_the_declared_routes(document: dict[str, Any], everything: Graph) -> None:
    assert set(operations(document)) == set(http_routes(everything))


def test_http_api_md_has_a_row_for_every_route_of_clients(everything: Graph) -> None:
    page = (ROOT / "docs" / "reference" / "http-api.md").read_text()
    called = {key for key in http_routes(everything) if not key.startswith("HEAD ")} - {contract.MISSING_FILE}
    assert set(re.findall(r"^\| `([A-Z]+ /api/\S+)` \|", page, re.MULTILINE)) == called


def test_the_openapi_document_marks_exactly_the_routes_that_need_a_token(
    document: dict[str, Any], everything: Graph
) -> None:
    for key, route in http_routes(everything).items():
        needed = operations(document)[key].get("security", [{}])
        assert ({} not in needed) is (route["authorizationType"] == "JWT"), key


def test_the_openapi_document_has_the_minimum_password_length_of_the_pool(document: dict[str, Any]) -> None:
    assert document["components"]["schemas"]["NewPassword"]["minLength"] == contract.MIN_PASSWORD_LENGTH
