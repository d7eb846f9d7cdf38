"""A function of a team's, for the tests that package one."""

from handlers.caller import caller
from handlers.web import Event, Response, json_response


def handler(event: Event, _context: object) -> Response:
    """Say who calls."""
    return json_response(200, {"sub": caller(event).sub})
