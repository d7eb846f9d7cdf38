"""A shop: the login, and orders behind it."""

import pulumi

from infra import settings
from infra.function import Function
from infra.kakao_login import KakaoLogin
from infra.route import Route
from infra.table import Table

login = KakaoLogin("login", settings.read())
table = Table("orders", platform=login.platform, key="sub", sort_key="number")
orders = Function(
    "orders",
    source="service/orders.py",
    platform=login.platform,
    environment={"TABLE": table.name},
    permissions=[table.read_write()],
    groups=["buyer"],
)
Route("orders", api=login.api, route="GET /api/orders", function=orders)

for name, value in login.exports.items():
    pulumi.export(name, value)
