# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy before PostgreSQL that cuts the connection where it hurts: COMMIT has arrived, its answer has not left; or
what a rater sends has not arrived. It can also hold what a rater sends, as a network does that fails for a while."""
import socket
import threading

BATCH_ROW = b"insert into rating.batch "


class CommitProxy:
    """Armed, it lets the next COMMIT of a batch reach the server and swallows the answer with the connection. Armed with a
    word, it cuts the connection that sends the word, before the word has passed."""

    def __init__(self, server_port):
        self.server_port = server_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.armed, self.word, self.cut = False, None, 0
        self.holding, self.held, self.free = None, 0, threading.Event()
        self.batches = 0  # batch rows that have passed
        self.stopped = False
        self.links = []
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped = True
        self.listener.close()
        for link in self.links:
            link.close()

    def arm(self, word=None):
        if word:
            self.word = word
        else:
            self.armed = True

    def hold(self, word):
        """What is sent from the word on does not pass until `let_go`; of one connection."""
        self.free.clear()
        self.holding = word

    def let_go(self):
        self.free.set()

    def accept(self):
        while not self.stopped:
            client = None
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.server_port))
            except OSError:
                if client:
                    client.close()  # the server is away, and so are we
                continue
            self.links += [client, server]
            state = {"batch": False, "open": False}  # it has written one; in the transaction that is open
            threading.Thread(target=self.upward, args=(client, server, state), daemon=True).start()
            threading.Thread(target=self.downward, args=(client, server, state), daemon=True).start()

    def upward(self, client, server, state):
        tail = b""  # of what came before: a word may come in two pieces
        try:
            while data := client.recv(65536):
                rows = (tail + data).count(BATCH_ROW)
                tail = (tail + data)[-len(BATCH_ROW) + 1:]
                if rows:
                    state["batch"] = state["open"] = True
                if self.word and self.word in data and self.takes(state, data):
                    self.word = None
                    self.cut += 1
                    break
                if self.holding and self.holding in data and self.takes(state, data):
                    self.holding = None
                    self.held += 1
                    self.free.wait()
                server.sendall(data)
                self.batches += rows
        except OSError:
            pass
        self.end(client, server)

    @staticmethod
    def takes(state, data):
        """A COMMIT of a batch; and nothing but what the connection sends that writes batches, if it could be another's."""
        if b"commit\0" in data:
            return state["open"]
        return state["batch"] or b"commit" not in data

    def downward(self, client, server, state):
        try:
            while data := server.recv(65536):
                # CommandComplete of COMMIT; the transaction wrote a batch
                if self.armed and state["open"] and b"COMMIT\0" in data:
                    self.armed = False
                    self.cut += 1
                    break
                if b"COMMIT\0" in data or b"ROLLBACK\0" in data:
                    state["open"] = False  # what comes next on this connection may write none
                client.sendall(data)
        except OSError:
            pass
        self.end(client, server)

    @staticmethod
    def end(client, server):
        for link in (client, server):
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
