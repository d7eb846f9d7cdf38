"""The examples import only the modules of the login that docs/guides/own-route.md names."""

from sandbox.program import ROOT
from tests.infra.test_program import imports

MEANT_FOR_THE_SERVICE = {"bugs", "caller", "connections", "contract", "errors", "new_users", "web"}


def test_the_service_imports_only_the_documented_modules_of_the_handlers() -> None:
    for file in (ROOT / "service").glob("*.py"):
        taken = {name.split(".")[1] for name in imports(file) if name.startswith("handlers.")}
        assert taken <= MEANT_FOR_THE_SERVICE, file.name
    guide = (ROOT / "docs" / "guides" / "own-route.md").read_text()
    assert all(f"`handlers.{name}" in guide for name in MEANT_FOR_THE_SERVICE - {"contract"})
