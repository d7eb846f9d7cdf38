"""The login with a topic of new users and a service at its WebSocket: all that the login's tests need of a program."""

import pulumi

from infra import settings
from infra.function import Function
from infra.kakao_login import KakaoLogin
from infra.websocket_api import WebSocketService

login = KakaoLogin("login", {**settings.read(), "first_sign_in": True})
echo = Function(
    "echo",
    source="tests/programs/echo.py",
    platform=login.platform,
    environment={"MANAGEMENT_URL": login.socket.management_url},
    permissions=[login.socket.post_to_connections()],
)
WebSocketService("echo", socket=login.socket, function=echo)
for name, value in login.exports.items():
    pulumi.export(name, value)
