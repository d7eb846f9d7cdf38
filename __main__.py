"""Kakao login on Amazon Cognito, and the team's service behind it."""

import pulumi

from infra import settings
from infra.component import tag_everything
from infra.dashboard import Dashboard
from infra.function import Function
from infra.kakao_login import KakaoLogin
from infra.route import Route
from infra.table import Table
from infra.websocket_api import WebSocketService

tag_everything()
login = KakaoLogin("login", {**settings.read(), "first_sign_in": True})

# The team's service: an example of each kind, to replace.
todo_table = Table("todos", platform=login.platform, key="sub", sort_key="id")
todos = Function(
    "todos",
    source="service/todos.py",
    platform=login.platform,
    environment={"TABLE": todo_table.name},
    permissions=[todo_table.read_write()],
)
Route("todos", api=login.api, route=["GET /api/todos", "POST /api/todos", "DELETE /api/todos/{id}"], function=todos)

connections = Table("connections", platform=login.platform, key="sub", sort_key="connection", expires="expires")
chat = Function(
    "chat",
    source="service/chat.py",
    platform=login.platform,
    environment={"CONNECTIONS": connections.name, "MANAGEMENT_URL": login.socket.management_url},
    permissions=[login.socket.post_to_connections(), connections.read_write()],
)
WebSocketService("chat", socket=login.socket, function=chat)

welcome = Function(
    "welcome",
    source="service/first_sign_in.py",
    platform=login.platform,
    environment={"TABLE": todo_table.name},
    permissions=[todo_table.read_write()],
)
login.at_first_sign_in(welcome)

dashboard = Dashboard(
    "dashboard",
    functions=[*login.functions, todos, chat, welcome],
    api=login.api,
    socket=login.socket,
    user_pool_id=login.user_pool_id,
)

for name, value in login.exports.items():
    pulumi.export(name, value)
pulumi.export("dashboard", dashboard.name)
