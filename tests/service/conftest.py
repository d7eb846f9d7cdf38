"""The browser and the sandbox of the login's own tests serve those of the service as well."""

from tests.e2e.conftest import browser, context, page

__all__ = ["browser", "context", "page"]
