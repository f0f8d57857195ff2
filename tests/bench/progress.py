# SPDX-License-Identifier: Apache-2.0
"""What a long run is doing, on standard error: a line per step with its seconds; on a terminal also how far it is."""
import contextlib
import sys
import time


class Progress:
    def __init__(self):
        self.what, self.begin = "", 0.0

    @contextlib.contextmanager
    def step(self, what):
        self.what, self.begin = what, time.monotonic()
        self.show("")
        yield
        end = "\r\033[K" if sys.stderr.isatty() else ""
        print(f"{end}{what}: {time.monotonic() - self.begin:.1f} s", file=sys.stderr, flush=True)

    def show(self, words):
        if sys.stderr.isatty():
            print(f"\r\033[K{self.what} {words} {time.monotonic() - self.begin:.0f} s", end="", file=sys.stderr,
                  flush=True)

    def part(self, done, whole):
        self.show(f"{100 * done / whole:.0f} %" if whole else "")


progress = Progress()
