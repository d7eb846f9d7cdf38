"""A route of the team's own."""

from collections.abc import Sequence

import pulumi

from infra.component import Component
from infra.function import Function
from infra.http_api import HttpApi


class Route(Component):
    """A function answers requests to a route, of signed-in users only unless the route is `public`."""

    def __init__(
        self,
        name: str,
        *,
        api: HttpApi,
        route: str | Sequence[str],
        function: Function,
        public: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare `GET /api/todos`, or several such routes. Raises ValueError for a route that cannot work."""
        super().__init__("Route", name, opts)
        routes = [route] if isinstance(route, str) else [*route]
        api.serve(name, function, *routes, signed_in=not public, parent=self)
        self.register_outputs({})
