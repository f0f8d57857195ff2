# SPDX-License-Identifier: Apache-2.0
"""Removes the start of a partition's log, as a retention does, but at once: Kafka's DeleteRecords request (key 21, version
0), sent to the only broker."""
import socket
import struct


def delete_records(broker, topic, partition, before):
    """Messages below offset `before` go. Returns the log's first offset."""
    host, port = broker.split(":")
    name = struct.pack(">h", len(topic)) + topic.encode()
    body = struct.pack(">i", 1) + name + struct.pack(">iiqi", 1, partition, before, 30000)
    request = struct.pack(">hhih", 21, 0, 1, -1) + body
    with socket.create_connection((host, int(port)), timeout=60) as link:
        link.sendall(struct.pack(">i", len(request)) + request)
        stream = link.makefile("rb")
        size, = struct.unpack(">i", stream.read(4))
        answer = stream.read(size)
    # correlation, throttling, one topic with its name, one partition
    at = 4 + 4 + 4 + len(name) + 4
    found, low, error = struct.unpack(">iqh", answer[at:at + 14])
    if error or found != partition:
        raise AssertionError(f"DeleteRecords of {topic}[{partition}] below {before}: error {error}")
    return low
