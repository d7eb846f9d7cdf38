"""Free ports, for tests that start servers."""

import random
import socket

SPAN = 4  # site, hosted login, Kakao, AWS


def free_ports() -> int:
    """Return the first of four neighbouring free ports, below the range that the system hands out by itself."""
    for _ in range(200):
        first = random.randrange(10240, 32000)
        sockets = []
        try:
            for port in range(first, first + SPAN):
                taken = socket.socket()
                sockets.append(taken)
                taken.bind(("127.0.0.1", port))
        except OSError:
            continue
        finally:
            for taken in sockets:
                taken.close()
        return first
    raise RuntimeError("no four free ports in a row")
