# SPDX-License-Identifier: Apache-2.0
"""What test files print and how they end, as results; used by tests/runner.py, which says how they speak."""
import re
import signal


class Tally:
    """The results so far."""

    def __init__(self):
        self.passed = 0
        self.failures = []
        self.skips = []

    def count(self, results):
        for verdict, name, reason in results:
            if verdict == "ok":
                self.passed += 1
            elif verdict == "skip":
                self.skips.append((name, reason))
            else:
                self.failures.append((name, reason))

    def closing_line(self):
        return f"{self.passed} passed, {len(self.failures)} failed, {len(self.skips)} skipped"


def read_results(label, text):
    """The result lines of a test file's output as (verdict, name, reason)."""
    results = []
    for line in text.splitlines():
        match = re.match(r"(ok|not ok|skip)\s+(\S.*)$", line)
        if match:
            name, _, reason = match[2].partition(" - ")
            results.append((match[1], f"{label}: {name.strip()}", reason.strip()))
    return results


def read_cmocka(label, text):
    """The same for a cmocka program: TAP, in which a skipped case is `not ok N # SKIP name`, or the form with brackets
    that newer versions fall back to when a case has cleared the environment."""
    brackets = {"OK": "ok", "FAILED": "not ok", "SKIPPED": "skip"}
    results, planned, ran, running = [], 0, 0, None
    for line in text.splitlines():
        plan = re.match(r"1\.\.(\d+)$", line)
        planned += int(plan[1]) if plan else 0
        match = re.match(r"(ok|not ok) (\d+) (# SKIP|-)\s*(\S*)\s*(.*)$", line)
        if match:
            ran += match[2] != "0"  # number 0 is the set-up of a whole group
            verdict = "skip" if match[3] == "# SKIP" else match[1]
            results.append((verdict, f"{label}: {match[4]}", match[5]))
            continue
        match = re.match(r"\[ +(RUN|OK|FAILED|SKIPPED) +\] (\S+)$", line)
        if match and match[1] == "RUN":
            running = match[2]
        elif match and match[2] == running:  # the summary at the end names the failed ones again
            ran, running = ran + 1, None
            results.append((brackets[match[1]], f"{label}: {match[2]}", ""))
    if ran < planned:
        results.append(("not ok", label, f"only {ran} of {planned} cases ran"))
    return results


def judge(label, results, ending):
    """Adds the failure that a file's end itself is. `ending` is its exit code or the reason why it was ended."""
    if isinstance(ending, str):
        return results + [("not ok", label, ending)]
    if ending != 0 and not any(verdict == "not ok" for verdict, _, _ in results):
        how = f"exit code {ending}" if ending > 0 else f"ended by {signal.Signals(-ending).name}"
        return results + [("not ok", label, f"{how} without a failed test")]
    if not results:
        return [("not ok", label, "printed no result")]
    return results
