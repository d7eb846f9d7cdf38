"""Kakao login on Amazon Cognito, and the team's service behind it."""

import pulumi

from handlers import contract
from infra import settings
from infra.dashboard import Dashboard
from infra.function import Function
from infra.kakao_login import KakaoLogin
from infra.websocket_api import WebSocketService

login = KakaoLogin("login", settings.read())

# The service: an example to replace.
chat = Function(
    "chat",
    source="handlers/chat.py",
    platform=login.platform,
    environment={contract.ENV_MANAGEMENT_URL: login.socket.management_url},
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

pulumi.export("siteUrl", login.url)
pulumi.export("apiUrl", login.api_url)
pulumi.export("websocketUrl", login.websocket_url)
pulumi.export("websocketApiId", login.websocket_api_id)
pulumi.export("kakaoRedirectUri", login.kakao_redirect_uri)
pulumi.export("kakaoLogoutRedirectUri", login.kakao_logout_redirect_uri)
pulumi.export("userPoolId", login.user_pool_id)
pulumi.export("clientId", login.client_id)
if login.app_client_id is not None:
    pulumi.export("appClientId", login.app_client_id)
pulumi.export("alarmTopic", login.alarm_topic)
pulumi.export("dashboard", dashboard.name)
