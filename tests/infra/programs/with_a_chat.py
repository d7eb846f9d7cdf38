"""The login and a service at its WebSocket that has the name of the first version's."""

import pulumi

from infra import packaging, settings
from infra.dashboard import Dashboard
from infra.function import Function
from infra.kakao_login import KakaoLogin
from infra.websocket_api import WebSocketService

login = KakaoLogin("login", settings.read())
chat = Function(
    "chat",
    source=packaging.HANDLERS / "pre_authentication.py",
    platform=login.platform,
    environment={"MANAGEMENT_URL": login.socket.management_url},
    permissions=[login.socket.post_to_connections()],
)
WebSocketService("chat", socket=login.socket, function=chat)
dashboard = Dashboard(
    "dashboard",
    functions=[*login.functions, chat],
    api=login.api,
    socket=login.socket,
    user_pool_id=login.user_pool_id,
)
for name, value in login.exports.items():
    pulumi.export(name, value)
