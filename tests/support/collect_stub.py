# SPDX-License-Identifier: Apache-2.0
"""A server in the place of the gateway, for tests of the collectors: it remembers every event that it took, and answers as
the test wants. `behave` gets the events of a request and returns None (take them, 204), a status, (status, headers,
problem), "lose" (take them and hang up without an answer) or "drop" (hang up)."""
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class StubGateway:
    def __init__(self, behave=None):
        self.behave = behave or (lambda events: None)
        self.lock = threading.Lock()
        self.taken = {}      # (source, id) -> event
        self.contradictions = []  # an id that came again with another content
        self.count = 0       # events taken, repeated ones included
        self.requests = []   # (time, events, bytes, headers)
        self.now = self.most_at_once = 0
        self.server = None
        self.port = 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

            def do_POST(self):  # pylint: disable=invalid-name
                stub.handle(self)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def handle(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        events = json.loads(body)
        with self.lock:
            self.requests.append((time.monotonic(), events, len(body), dict(handler.headers), handler.path))
            self.now += 1
            self.most_at_once = max(self.most_at_once, self.now)
        try:
            self.answer(handler, events, self.behave(events))
        finally:
            with self.lock:
                self.now -= 1

    def answer(self, handler, events, outcome):
        status, headers, problem = 204, {}, None
        if isinstance(outcome, tuple):
            status, headers, problem = outcome
        elif isinstance(outcome, int):
            status = outcome
        if status == 204 and outcome != "drop":
            self.take(events)
        if outcome in ("lose", "drop"):
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        body = json.dumps(problem).encode() if problem else b""
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def take(self, events):
        with self.lock:
            for event in events:
                identity = event["source"], event["id"]
                if self.taken.setdefault(identity, event) != event:
                    self.contradictions.append(identity)
                self.count += 1


def refusal(indexes, status=422, path="$.data.n", reason="not so"):
    """An answer that names events, as the gateway gives it."""
    errors = [{"index": index, "path": path, "reason": reason, "code": "bad_value"} for index in indexes]
    return status, {"Content-Type": "application/problem+json"}, {"status": status, "detail": "refused", "errors": errors}
