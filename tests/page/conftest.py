"""The browser of the login's own tests serves those of the page as well."""

from tests.e2e.conftest import browser, context, page

__all__ = ["browser", "context", "page"]
