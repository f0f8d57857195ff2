# SPDX-License-Identifier: Apache-2.0
"""Three Kafka brokers beside a stack, each a voter, min.insync.replicas 2, for tests that kill one of them. The jars are
those that deploy/stack has fetched; the stack's own single broker is ended."""
import base64
import os
import signal
import subprocess
import uuid
from collections import Counter
from pathlib import Path

from deployment import ROOT, need, until

NODES = (1, 2, 3)
# distances from the stack's port base, below the ports that outgoing connections get
BROKER_PORT, CONTROLLER_PORT = 50, 54
JAVA = ("java", "-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
        "-Djava.awt.headless=true")


class Brokers:
    """Nodes by their number. Use as a context."""

    def __init__(self, deployment):
        self.deployment, self.base = deployment, int(os.environ["TURNPIKE_PORT_BASE"])
        self.folder, self.nodes, self.starts = deployment.state / "brokers", {}, Counter()
        words = Path(f"/proc/{deployment.service_pid('kafka')}/cmdline").read_text().split("\0")
        self.jars = words[words.index("-cp") + 1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.nodes.values():
            process.kill()
            process.wait()

    def port(self, node):
        return self.base + BROKER_PORT + node

    @property
    def addresses(self):
        return ",".join(f"127.0.0.1:{self.port(node)}" for node in NODES)

    def settings(self, node):
        """deploy/kafka/server.properties with three nodes."""
        controller = {each: f"127.0.0.1:{self.base + CONTROLLER_PORT + each}" for each in NODES}
        broker, listener = f"PLAINTEXT://127.0.0.1:{self.port(node)}", f"CONTROLLER://{controller[node]}"
        changed = {"node.id": node, "controller.quorum.voters": ",".join(f"{n}@{at}" for n, at in controller.items()),
                   "listeners": f"{broker},{listener}", "advertised.listeners": f"{broker},{listener}",
                   "log.dirs": self.folder / f"logs-{node}", "controlled.shutdown.enable": "false",
                   "replica.lag.time.max.ms": 5000, "default.replication.factor": 3, "min.insync.replicas": 2}
        for topic in ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic"):
            changed[f"{topic}.replication.factor"] = 3
        for topic in ("transaction.state.log", "share.coordinator.state.topic"):
            changed[f"{topic}.min.isr"] = 2
        lines = [line for line in (ROOT / "deploy/kafka/server.properties").read_text().splitlines()
                 if line.partition("=")[0] not in changed]
        return "\n".join(lines + [f"{name}={value}" for name, value in changed.items()]) + "\n"

    def command(self, *words):
        log = f"-Dlog4j2.configurationFile={self.deployment.state / 'data/conf/log4j2.properties'}"
        return [*JAVA, f"-Djava.io.tmpdir={self.folder}", log, "-cp", self.jars, *map(str, words)]

    def up(self):
        """Ends the stack's broker and starts three."""
        self.folder.mkdir()
        identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "a")
        for node in NODES:
            path = self.folder / f"{node}.properties"
            path.write_text(self.settings(node))
            answer = subprocess.run(self.command("kafka.tools.StorageTool", "format", "-g", "-t", identity, "-c", path),
                                    capture_output=True, text=True, check=False)
            need(answer.returncode == 0, f"format: {answer.stdout}{answer.stderr}"[-1500:])
        pid = self.deployment.service_pid("kafka")
        os.kill(pid, signal.SIGTERM)
        for node in NODES:
            self.start(node)
        for node in NODES:
            self.await_started(node)

    def start(self, node):
        self.starts[node] += 1
        with open(self.folder / f"{node}.log", "ab") as log:
            self.nodes[node] = subprocess.Popen(self.command("kafka.Kafka", self.folder / f"{node}.properties"),
                                                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def await_started(self, node):
        def started():
            need(self.nodes[node].poll() is None, f"broker {node} ended: {self.tail(node)}")
            return (self.folder / f"{node}.log").read_text().count("Kafka Server started") >= self.starts[node]
        until(90, started, lambda: f"broker {node} does not serve: {self.tail(node)}")

    def tail(self, node):
        return (self.folder / f"{node}.log").read_text()[-800:]

    def kill(self, node):
        process = self.nodes[node]
        need(process.poll() is None, f"broker {node} had ended")
        process.send_signal(signal.SIGKILL)
        process.wait()

    def replicas(self, topic):
        """{partition: (leader, set of in-sync replicas)}"""
        answer = subprocess.run(["kcat", "-L", "-b", self.addresses, "-t", topic], capture_output=True, text=True,
                                check=False, timeout=60)
        found = {}
        for line in answer.stdout.splitlines():
            words = line.replace(",", " ").split()
            if words[:1] == ["partition"] and "isrs:" in words:
                found[int(words[1])] = (int(words[3]), {int(word) for word in words[words.index("isrs:") + 1:] if word.isdigit()})
        return found

    def await_in_sync(self, topic, nodes):
        until(90, lambda: (found := self.replicas(topic)) and all(isrs == set(nodes) for _, isrs in found.values()),
              lambda: f"in sync: {self.replicas(topic)}, not {nodes}")
