# SPDX-License-Identifier: Apache-2.0
"""Where the partitions of a topic end."""
import subprocess

from waiting import until


def log_ends(brokers, topic, partitions):
    """Partition -> the offset after its last message. A broker that was killed may have no leader for a while."""
    words = [word for partition in range(partitions) for word in ("-t", f"{topic}:{partition}:-1")]
    answer = None

    def all_ends():
        nonlocal answer
        answer = subprocess.run(["kcat", "-Q", "-b", brokers, *words], capture_output=True, text=True, check=False)
        rows = [line.split() for line in answer.stdout.splitlines()]  # TOPIC [PARTITION] offset END
        ends = {int(row[1].strip("[]")): int(row[3]) for row in rows if len(row) == 4 and row[2] == "offset"}
        return ends if answer.returncode == 0 and len(ends) == partitions else None
    return until(30, all_ends, lambda: f"kcat -Q: {answer.returncode} {answer.stdout}{answer.stderr}", pause=0.5)
