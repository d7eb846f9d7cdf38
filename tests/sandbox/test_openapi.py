"""Responses of the API match docs/reference/openapi.yaml for every request."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sandbox.local import Sandbox
from sandbox.program import ROOT

pytest_plugins = ["schemathesis.pytest.plugin"]
pytestmark = pytest.mark.sandbox

schema = schemathesis.openapi.from_path(str(ROOT / "docs" / "reference" / "openapi.yaml"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@schema.parametrize()
@settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_response_is_described_and_none_is_an_internal_error(
    case: schemathesis.Case[Any], sandbox: Sandbox
) -> None:
    case.call_and_validate(base_url=sandbox.site, checks=CHECKS, allow_redirects=False, timeout=60)
