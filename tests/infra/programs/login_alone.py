"""The login without any service behind it."""

import pulumi

from infra import settings
from infra.dashboard import Dashboard
from infra.kakao_login import KakaoLogin

login = KakaoLogin("login", settings.read())
dashboard = Dashboard(
    "dashboard", functions=login.functions, api=login.api, socket=login.socket, user_pool_id=login.user_pool_id
)
for name, value in login.exports.items():
    pulumi.export(name, value)
pulumi.export("dashboard", dashboard.name)
