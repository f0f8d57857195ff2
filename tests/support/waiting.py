# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition. Tests say how long a quiet machine may take; a busy one gets PATIENCE times as much: a limit
is there to end a wait that would never end, not to measure."""
import time

PATIENCE = 4


def need(condition, why):
    if not condition:
        raise AssertionError(why() if callable(why) else why)


def until(seconds, condition, why, pause=0.05):
    """What the condition gives as soon as it is true; fails after so many seconds of a quiet machine. `why` may be a
    function."""
    started = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        waited = time.monotonic() - started
        need(waited < seconds * PATIENCE, lambda: f"{why() if callable(why) else why} (waited {waited:.0f} s)")
        time.sleep(pause)
