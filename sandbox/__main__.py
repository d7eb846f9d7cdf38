"""`python -m sandbox`: serve the login on this laptop until Ctrl-C."""

import argparse
import signal
import sys
import time
from contextlib import ExitStack

START = time.monotonic()


def main() -> None:
    """Start everything, say where it is, wait, and leave nothing behind."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The login on this laptop.")
    parser.add_argument("--port", type=int, default=3000, help="the site's port; the three after it are used too")
    parser.add_argument("--watch", action="store_true", help="apply what is saved in handlers/ and frontend/ at once")
    arguments = parser.parse_args()
    port = arguments.port
    if not 1 <= port <= 65532:
        parser.error("--port takes 1 to 65532")

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print("starting the sandbox", flush=True)
    try:
        serve(port, watch=arguments.watch)
    except KeyboardInterrupt:
        print("\nstopped; nothing is left behind")


def serve(port: int, *, watch: bool) -> None:
    """Run the sandbox until it is interrupted; a step that fails ends it with what to do."""
    from sandbox import kakao, live, local, terminal  # imported late, so that the first line appears at once
    from sandbox.emulator import NotStartedError

    def say(line: str) -> None:
        print(line, flush=True)

    try:
        with ExitStack() as stack:
            sandbox = stack.enter_context(local.running(port, say))
            email, password = local.EMAIL_PERSON
            print(f"\n  {sandbox.site}   ready after {time.monotonic() - START:.1f} s; Ctrl-C ends it\n")
            print("  at Kakao      " + ", ".join(person.nickname for person in kakao.PEOPLE))
            print(f"  with e-mail   {email}, password: {password}\n", flush=True)
            stack.enter_context(terminal.shown(sandbox.aws, sandbox.output, say))
            if watch:
                stack.enter_context(live.saved_files_applied(sandbox.update, say))
            signal.pause()
    except NotStartedError as error:
        sys.exit(f"\nThe sandbox could not start: {error}")


if __name__ == "__main__":
    main()
