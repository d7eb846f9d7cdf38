"""Hides the text of a bug where AWS itself writes exceptions to the log, as of a trigger or of the chat."""

import logging
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Result = TypeVar("Result")
Handler = Callable[[Any, object], Result]


class UnexpectedError(Exception):
    """The function has a bug. Its own text stays inside, because it may hold a token or an e-mail."""


def hide(log: logging.Logger, *allowed: type[Exception]) -> Callable[[Handler[Result]], Handler[Result]]:
    """Decorate a handler: errors of the `allowed` types pass, any other exception becomes an UnexpectedError.

    Lambda writes the text of an uncaught exception to the log, and the text of a bug may hold a token or an e-mail.
    """

    def decorate(handler: Handler[Result]) -> Handler[Result]:
        @wraps(handler)
        def guarded(event: Any, context: object) -> Result:
            try:
                return handler(event, context)
            except allowed:
                raise
            except Exception as error:  # noqa: BLE001 - the last resort
                log_bug(log, error)
                raise UnexpectedError("Something went wrong. Try again.") from None

        return guarded

    return decorate


def log_bug(log: logging.Logger, error: Exception) -> None:
    """Log the type of an exception and where it was raised, and not its text."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    log.error("unexpected", extra={"reason": reason(error), "at": f"{frame.name}:{frame.lineno}"})


def reason(error: Exception) -> str:
    """Return the code of an AWS error, such as LimitExceededException, or the type of any other exception."""
    match getattr(error, "response", None):
        case {"Error": {"Code": str(code)}}:
            return code
    return type(error).__name__
