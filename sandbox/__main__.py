"""`python -m sandbox`: serve the login on this laptop until Ctrl-C."""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress

START = time.monotonic()
SECONDS_BETWEEN_LOOKS = 0.5
THREADS = {
    "proxies": "The server of the site and the hosted login",
    "kakao": "The Kakao stand-in",
    "live": "The thread that applies saved files",
    "terminal": "The thread that shows mails and output",
}


def main() -> None:
    """Start everything, say where it is, wait, and leave nothing behind."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The login on this laptop.")
    parser.add_argument("--port", type=int, default=3000, help="the site's port; the three after it are used too")
    parser.add_argument("--watch", action="store_true", help="apply what is saved in handlers/ and frontend/ at once")
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
            print("\nstopped; nothing is left behind", flush=True)


def end_on_signals() -> None:
    """Let Ctrl-C, SIGTERM and a closed terminal end the sandbox in the same way."""
    # A script starts what it puts into the background with SIGINT ignored, and Python leaves that as it is.
    ending = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup sets it
        ending.append(signal.SIGHUP)
    for number in ending:
        signal.signal(number, signal.default_int_handler)


def serve(port: int, *, watch: bool) -> None:
    """Run the sandbox until it is interrupted; a step that fails, or a part that ends, ends it with what to do."""
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
            threads = {name: part for name, part in THREADS.items() if watch or name != "live"}
            ended = wait_for_an_end(sandbox.death, threads)
    except NotStartedError as error:
        sys.exit(f"\nThe sandbox could not start: {error}")
    command = f"make {'dev' if watch else 'up'}" + (f" PORT={port}" if port != 3000 else "")
    sys.exit(f"\n{ended}\nThe sandbox is stopped; all accounts in it are gone. Start it again: {command}")


def wait_for_an_end(death: Callable[[], str], threads: Mapping[str, str]) -> str:
    """Wait until the emulated AWS or one of these threads, named by what it does, ends; return which and how."""
    while True:
        if how := death():
            return how
        alive = {thread.name for thread in threading.enumerate()}
        for name in threads.keys() - alive:
            return f"{threads[name]} has ended; the error is above."
        time.sleep(SECONDS_BETWEEN_LOOKS)


if __name__ == "__main__":
    main()
