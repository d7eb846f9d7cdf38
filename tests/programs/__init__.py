"""Programs that the tests of the login run instead of the root's, which a team replaces."""

from pathlib import Path

WITH_A_SOCKET = Path(__file__).with_name("login_with_a_socket.py")
