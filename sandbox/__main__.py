"""`python -m sandbox`: run the login on this machine until Ctrl-C."""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress

START = time.monotonic()
POLL_SECONDS = 0.5
THREADS = {
    "proxies": "The server of the site and the hosted login",
    "kakao": "The Kakao stand-in",
    "live": "The thread that applies saved files",
    "terminal": "The thread that shows mails and output",
}


def main() -> None:
    """Start the sandbox, print its addresses, and remove everything at the end."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Run the login on this machine.")
    parser.add_argument(
        "--port", type=int, default=3000, help="port of the site; the sandbox also uses the next three ports"
    )
    parser.add_argument("--watch", action="store_true", help="apply saved files at once")
    arguments = parser.parse_args()
    port = arguments.port
    if not 1 <= port <= 65532:
        parser.error("--port takes 1 to 65532")

    end_on_signals()
    print("starting the sandbox", flush=True)
    try:
        serve(port, watch=arguments.watch)
    except KeyboardInterrupt:
        with suppress(OSError):  # the terminal may be closed
            print("\nstopped; everything is removed", flush=True)


def end_on_signals() -> None:
    """End the sandbox in the same way on Ctrl-C, SIGTERM and a closed terminal."""
    # A shell script starts background commands with SIGINT ignored, and Python does not change that.
    ending = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
        ending.append(signal.SIGHUP)
    for number in ending:
        signal.signal(number, signal.default_int_handler)


def serve(port: int, *, watch: bool) -> None:
    """Run the sandbox until it is interrupted. If a step fails or a part ends, exit and say what to do."""
    from sandbox import kakao, live, local, terminal  # slow imports, after the first line is printed
    from sandbox.emulator import NotStartedError

    def say(line: str) -> None:
        print(line, flush=True)

    try:
        with ExitStack() as stack:
            sandbox = stack.enter_context(local.running(port, say))
            email, password = local.EMAIL_USER
            print(f"\n  {sandbox.site}   ready after {time.monotonic() - START:.1f} s; Ctrl-C ends it\n")
            print("  at Kakao      " + ", ".join(user.nickname for user in kakao.PEOPLE))
            print(f"  with e-mail   {email}, password: {password}\n", flush=True)
            stack.enter_context(terminal.show_output(sandbox.aws, sandbox.output, say))
            if watch:
                stack.enter_context(live.apply_saved_files(sandbox.page, sandbox.update, say))
            threads = {name: part for name, part in THREADS.items() if watch or name != "live"}
            ended = wait_for_end(sandbox.end_reason, threads)
    except NotStartedError as error:
        sys.exit(f"\nThe sandbox could not start: {error}")
    command = f"make {'dev' if watch else 'up'}" + (f" PORT={port}" if port != 3000 else "")
    sys.exit(f"\n{ended}\nThe sandbox is stopped; all accounts in it are gone. Start it again: {command}")


def wait_for_end(end_reason: Callable[[], str], threads: Mapping[str, str]) -> str:
    """Wait until the emulated AWS or one of these threads ends. Return which one ended, and how."""
    while True:
        if how := end_reason():
            return how
        alive = {thread.name for thread in threading.enumerate()}
        for name in threads.keys() - alive:
            return f"{threads[name]} has ended; the error is above."
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
