"""A bug in a function whose errors AWS itself writes to the log, such as a trigger or the chat."""

import logging
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Result = TypeVar("Result")
Handler = Callable[[Any, object], Result]


class UnexpectedError(Exception):
    """The function failed. Lambda logs this text, and Cognito may show it to the user."""


def hidden(log: logging.Logger, *known: type[Exception]) -> Callable[[Handler[Result]], Handler[Result]]:
    """Decorate a handler: errors of `known` types have fixed texts and pass; any other becomes an UnexpectedError.

    Lambda writes the text of an uncaught exception to the log, and the text of a bug may hold a token or an e-mail.
    """

    def decorate(handler: Handler[Result]) -> Handler[Result]:
        @wraps(handler)
        def guarded(event: Any, context: object) -> Result:
            try:
                return handler(event, context)
            except known:
                raise
            except Exception as error:  # noqa: BLE001 - the last resort
                frame = traceback.extract_tb(error.__traceback__)[-1]
                log.error("unexpected", extra={"reason": reason(error), "at": f"{frame.name}:{frame.lineno}"})
                raise UnexpectedError("Something went wrong. Try again.") from None

        return guarded

    return decorate


def reason(error: Exception) -> str:
    """Return the code of an AWS error, such as LimitExceededException, and the type of any other."""
    match getattr(error, "response", None):
        case {"Error": {"Code": str(code)}}:
            return code
    return type(error).__name__
