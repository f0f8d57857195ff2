# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy before PostgreSQL that cuts the connection where it hurts: COMMIT has arrived, its answer has not left."""
import socket
import threading


class CommitProxy:
    """Armed, it lets the next COMMIT of a batch reach the server and swallows the answer with the connection."""

    def __init__(self, server_port):
        self.server_port = server_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.armed, self.cut = False, 0
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

    def arm(self):
        self.armed = True

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
            state = {"batch": False}
            threading.Thread(target=self.upward, args=(client, server, state), daemon=True).start()
            threading.Thread(target=self.downward, args=(client, server, state), daemon=True).start()

    def upward(self, client, server, state):
        try:
            while data := client.recv(65536):
                if b"insert into rating.batch" in data:
                    state["batch"] = True
                server.sendall(data)
        except OSError:
            pass
        self.end(client, server)

    def downward(self, client, server, state):
        try:
            while data := server.recv(65536):
                # CommandComplete of COMMIT; the transaction wrote a batch
                if self.armed and state["batch"] and b"COMMIT\0" in data:
                    self.armed = False
                    self.cut += 1
                    break
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
