"""Scripted UAPI sockets in /run/wireguard: every device has fixed replies to get and set requests, and records the
requests."""
import os
import selectors
import socket
import threading

FOLDER = "/run/wireguard"


class Devices:
    """The sockets of one case, served by one thread."""

    def __init__(self):
        os.makedirs(FOLDER, exist_ok=True)
        self.selector = selectors.DefaultSelector()
        self.lock = threading.Lock()
        self.listeners = {}
        self.replies = {}
        self.set_reply = b""
        self.requests = []
        self.wake_reader, self.wake_writer = os.pipe()
        self.selector.register(self.wake_reader, selectors.EVENT_READ, None)
        threading.Thread(target=self.serve, daemon=True).start()

    def prepare(self, replies, set_reply):
        """Makes exactly these devices exist: {name: reply to get}."""
        with self.lock:
            for name in set(self.listeners) - set(replies):
                self.selector.unregister(self.listeners[name])
                self.listeners.pop(name).close()
                os.unlink(f"{FOLDER}/{name}.sock")
            for name in replies:
                if name not in self.listeners:
                    self.listeners[name] = self.listen(name)
            self.replies, self.set_reply, self.requests = dict(replies), set_reply, []
        os.write(self.wake_writer, b"x")

    def listen(self, name):
        path = f"{FOLDER}/{name}.sock"
        if os.path.exists(path):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen(64)
        self.selector.register(listener, selectors.EVENT_READ, name)
        return listener

    def serve(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    os.read(self.wake_reader, 64)
                    continue
                with self.lock:
                    if self.listeners.get(key.data) is not key.fileobj:
                        continue
                    client, _ = key.fileobj.accept()
                self.reply(key.data, client)

    def reply(self, name, client):
        with client:
            got = b""
            while not got.endswith(b"\n\n"):
                piece = client.recv(1 << 16)
                if not piece:
                    break
                got += piece
            if not got:
                return  # a probe of upstream, which connects without a request
            self.requests.append((name, got))
            try:
                client.sendall(self.replies[name] if got.startswith(b"get") else self.set_reply)
            except OSError:
                pass
