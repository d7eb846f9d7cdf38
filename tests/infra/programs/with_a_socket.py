"""The login and a service at its WebSocket; what its function does is not looked at."""

from infra import packaging, settings
from infra.function import Function
from infra.kakao_login import KakaoLogin
from infra.websocket_api import WebSocketService

login = KakaoLogin("login", settings.read())
echo = Function(
    "echo",
    source=packaging.HANDLERS / "pre_authentication.py",
    platform=login.platform,
    environment={"MANAGEMENT_URL": login.socket.management_url},
    permissions=[login.socket.post_to_connections()],
)
WebSocketService("echo", socket=login.socket, function=echo)
