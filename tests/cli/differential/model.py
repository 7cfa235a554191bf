"""A simple model of a device, and of the errors for lines of a file."""
import ipaddress
import re


def print_prefix(network):
    """A prefix in the format of inet_ntop(3)."""
    import socket
    family = socket.AF_INET6 if network.version == 6 else socket.AF_INET
    return f"{socket.inet_ntop(family, network.network_address.packed)}/{network.prefixlen}"


WG_KEYS = {"privatekey": "PrivateKey", "listenport": "ListenPort", "fwmark": "FwMark", "publickey": "PublicKey",
           "presharedkey": "PresharedKey", "endpoint": "Endpoint", "persistentkeepalive": "PersistentKeepalive",
           "allowedips": "AllowedIPs"}
SECRET_KEYS = {"privatekey", "presharedkey"}
PUBLIC_QUICK_KEYS = {"address", "dns", "mtu", "table", "saveconfig"}
HOOKS = {"preup", "postup", "predown", "postdown"}


def unrecognized(line):
    """The message for an unrecognized line: with the line, with its key, or with neither."""
    text = line.decode("latin1")
    key = text.partition("=")[0]
    word = re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,19}", key)
    known = key.lower() in WG_KEYS or key.lower() in PUBLIC_QUICK_KEYS or key.lower() in HOOKS
    public = (key.lower() in WG_KEYS and key.lower() not in SECRET_KEYS) or key.lower() in PUBLIC_QUICK_KEYS
    looks_like_key = re.search(r"[A-Za-z0-9+/]{24}", text)
    if text.startswith("["):
        shown = text if re.fullmatch(r"\[[A-Za-z][A-Za-z0-9]{0,19}\]", text) else None
    elif "=" in text and public and not looks_like_key:
        shown = text
    else:
        shown = key if known or word else None
    return b"Line unrecognized" + (f": `{shown}'".encode() if shown is not None else b"")


class Peer:
    def __init__(self):
        self.psk, self.endpoint, self.keepalive, self.prefixes = "0" * 64, None, 0, set()
        self.has_handshake = False  # if true, the endpoint may have roamed

    def copy(self):
        other = Peer()
        other.__dict__.update(self.__dict__, prefixes=set(self.prefixes))
        return other

    def __eq__(self, other):
        return isinstance(other, type(self)) and self.__dict__ == other.__dict__


class Device:
    def __init__(self):
        self.private_key, self.listen_port, self.fwmark, self.peers = "0" * 64, 0, 0, {}

    def copy(self):
        other = Device()
        other.__dict__.update(self.__dict__, peers={key: peer.copy() for key, peer in self.peers.items()})
        return other

    def __eq__(self, other):
        return isinstance(other, type(self)) and self.__dict__ == other.__dict__

    @classmethod
    def from_reply(cls, reply):
        device = cls()
        device.apply(b"set=1\n" + b"\n".join(line for line in reply.split(b"\n") if not line.startswith(
            (b"errno=", b"last_handshake_time_nsec=", b"rx_bytes=", b"tx_bytes="))))
        return device

    def apply(self, request):
        peer = None
        for line in request.decode().split("\n")[1:]:
            key, _, value = line.partition("=")
            if key == "public_key":
                name = value
                peer = self.peers.setdefault(value, Peer())
            elif peer is None:
                self.set_device(key, value)
            elif key == "remove":
                self.peers.pop(name)
            elif key:
                self.set_peer(peer, key, value)

    def set_device(self, key, value):
        if key == "private_key":
            self.private_key = value
        elif key in ("listen_port", "fwmark"):
            setattr(self, key, int(value))
        elif key == "replace_peers":
            self.peers = {}
        elif key:
            raise ValueError(key)

    def set_peer(self, peer, key, value):
        if key == "preshared_key":
            peer.psk = value
        elif key == "endpoint":
            peer.endpoint = value
        elif key == "last_handshake_time_sec":
            peer.has_handshake = value != "0"
        elif key == "persistent_keepalive_interval":
            peer.keepalive = int(value)
        elif key == "replace_allowed_ips":
            peer.prefixes = set()
        elif key == "allowed_ip":
            prefix = ipaddress.ip_network(value.lstrip("-"), strict=False)
            if value.startswith("-"):
                peer.prefixes.discard(prefix)
                return
            for other in self.peers.values():
                other.prefixes.discard(prefix)
            peer.prefixes.add(prefix)
        elif key != "protocol_version":
            raise ValueError(key)


def clamped(text):
    key = bytearray(bytes.fromhex(text))
    if any(key):
        key[0] &= 248
        key[31] = key[31] & 127 | 64
    return key.hex()


def sync_goal(state, request, keys):
    """The device after a syncconf. `request` is the request of the old version, which contains every setting of the file;
    `keys` are the keys of the file in lower case. A private key, port and fwmark that the file does not have stay, and so
    does an endpoint that it does not have: nothing is recorded about this device, so no peer has roamed. Preshared keys, keepalives and peers that it does not have are removed."""
    goal = state.copy()
    desired = Device()
    desired.apply(request.replace(b"replace_peers=true\n", b"").replace(b"remove=true\n", b""))
    named = {m.decode() for m in re.findall(rb"(?m)^public_key=(.*)$", request)}
    removed = {m.decode() for m in re.findall(rb"(?m)^public_key=(.*)\nremove=true$", request)}
    if "privatekey" in keys and clamped(desired.private_key) != state.private_key:
        goal.private_key = desired.private_key
    if "listenport" in keys:
        goal.listen_port = desired.listen_port
    if "fwmark" in keys:
        goal.fwmark = desired.fwmark
    for key in list(goal.peers):
        if key not in named - removed:
            goal.peers.pop(key)
    for key in goal.peers:
        goal.peers[key].psk, goal.peers[key].keepalive, goal.peers[key].prefixes = "0" * 64, 0, set()
    for key in named - removed:
        had = goal.peers.get(key)
        peer = goal.peers[key] = desired.peers[key].copy()
        if had:
            peer.has_handshake = had.has_handshake
            if not peer.endpoint:
                peer.endpoint = had.endpoint
    return goal


def is_minimal(state, request):
    """No peer and no setting of the request is already as the request sets it."""
    after = state.copy()
    after.apply(request)
    for block in request.decode().split("public_key=")[1:]:
        key = block[:64]
        if key in state.peers and state.peers[key] == after.peers.get(key):
            return False
    for word in "private_key", "listen_port", "fwmark":
        if f"\n{word}=" in request.decode() and getattr(state, word) == getattr(after, word):
            return False
    return True
