"""The browser and the switches of the login's own tests serve those of the page as well."""

from tests.e2e.conftest import browser, cognito, context, kakao, lose, page

__all__ = ["browser", "cognito", "context", "kakao", "lose", "page"]
