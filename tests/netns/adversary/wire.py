"""A second implementation of WireGuard's messages, independent of src/: from the whitepaper and RFCs alone."""
import hashlib
import hmac
import os
import socket
import struct
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

INITIATION, RESPONSE, COOKIE, DATA = 1, 2, 3, 4
ZERO_PSK = bytes(32)
# Encoded u-coordinates of low order (RFC 7748, section 6.1).
LOW_ORDER = [bytes.fromhex(h) for h in (
    "00" * 32,
    "01" + "00" * 31,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ec" + "ff" * 30 + "7f",
    "ed" + "ff" * 30 + "7f",
    "ee" + "ff" * 30 + "7f")]


class Refused(Exception):
    """Raised for a message that does not verify."""


def hash_(*parts):
    return hashlib.blake2s(b"".join(parts)).digest()


def mac(key, data):
    return hashlib.blake2s(data, key=key, digest_size=16).digest()


def hmac_(key, data):
    return hmac.new(key, data, hashlib.blake2s).digest()


def kdf(n, chain, data):
    secret, out, last = hmac_(chain, data), [], b""
    for i in range(1, n + 1):
        last = hmac_(secret, last + bytes([i]))
        out.append(last)
    return out


def aead_seal(key, counter, plain, ad=b""):
    return ChaCha20Poly1305(key).encrypt(bytes(4) + struct.pack("<Q", counter), plain, ad)


def aead_open(key, counter, sealed, ad=b""):
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(4) + struct.pack("<Q", counter), sealed, ad)
    except InvalidTag:
        raise Refused("tag") from None


def hchacha20(key, nonce16):
    s = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key)
             + struct.unpack("<4I", nonce16))

    def quarter(a, b, c, d):
        for x, y, z, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xffffffff
            v = s[z] ^ s[x]
            s[z] = (v << bits | v >> 32 - bits) & 0xffffffff

    for _ in range(10):
        for q in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                  (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(*q)
    return struct.pack("<8I", *(s[:4] + s[12:]))


def xaead(key, nonce24, seal, text, ad):
    cipher = ChaCha20Poly1305(hchacha20(key, nonce24[:16]))
    nonce = bytes(4) + nonce24[16:]
    if seal:
        return cipher.encrypt(nonce, text, ad)
    try:
        return cipher.decrypt(nonce, text, ad)
    except InvalidTag:
        raise Refused("cookie") from None


def new_private():
    key = bytearray(os.urandom(32))
    key[0] &= 248
    key[31] = key[31] & 127 | 64
    return bytes(key)


def public(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes(
        Encoding.Raw, PublicFormat.Raw)


def dh(private, pub):
    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(
            X25519PublicKey.from_public_bytes(pub))
    except ValueError:  # a low-order point: only the daemon must reject it
        return bytes(32)


CHAIN = hash_(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
HASH = hash_(CHAIN, b"WireGuard v1 zx2c4 Jason@zx2c4.com")


def tai64n(unix=None):
    unix = time.time() if unix is None else unix
    seconds = int(unix)
    return struct.pack(">QI", 0x400000000000000a + seconds, int((unix - seconds) * 1e9))


def macs(body, to, cookie=None):
    """Appends mac1 for the receiver's public key `to`, and mac2 if there is a cookie, else zeros."""
    m = body + mac(hash_(b"mac1----", to), body)
    return m + (mac(cookie, m) if cookie else bytes(16))


class Session:
    def __init__(self, send_key, receive_key, local, remote):
        self.send_key, self.receive_key = send_key, receive_key
        self.local, self.remote, self.counter = local, remote, 0

    def seal(self, plain=b"", counter=None):
        if counter is None:
            counter = self.counter
            self.counter += 1
        return struct.pack("<IIQ", DATA, self.remote, counter) + aead_seal(self.send_key, counter, plain)

    def open(self, m):
        """(counter, plaintext) of a data message received in this session."""
        kind, index, counter = struct.unpack("<IIQ", m[:16])
        if kind != DATA or index != self.local:
            raise Refused("not for this session")
        return counter, aead_open(self.receive_key, counter, m[16:])


class Initiation:
    """An initiation to the daemon, in `message`. Every field can be forged."""

    def __init__(self, private, to, psk=ZERO_PSK, timestamp=None, cookie=None, ephemeral=None,
                 ephemeral_public=None, static_public=None, index=None):
        self.private, self.to, self.psk = private, to, psk
        self.index = int.from_bytes(os.urandom(4), "little") if index is None else index
        self.ephemeral = ephemeral or new_private()
        e = ephemeral_public or public(self.ephemeral)
        s = static_public or public(private)
        self.timestamp = timestamp or tai64n()
        h = hash_(HASH, to)
        h = hash_(h, e)
        c, = kdf(1, CHAIN, e)
        c, k = kdf(2, c, dh(self.ephemeral, to) if e not in LOW_ORDER else bytes(32))
        static = aead_seal(k, 0, s, h)
        h = hash_(h, static)
        c, k = kdf(2, c, dh(private, to) if s not in LOW_ORDER else bytes(32))
        stamp = aead_seal(k, 0, self.timestamp, h)
        self.hash, self.chain = hash_(h, stamp), c
        body = struct.pack("<II", INITIATION, self.index) + e + static + stamp
        self.message = macs(body, to, cookie)

    def finish(self, m):
        """The session, if m is a valid response to this initiation; else raises Refused."""
        if len(m) != 92 or m[:4] != struct.pack("<I", RESPONSE):
            raise Refused("not a response")
        remote, index = struct.unpack("<II", m[4:12])
        if index != self.index:
            raise Refused("for another initiation")
        if m[60:76] != mac(hash_(b"mac1----", public(self.private)), m[:60]):
            raise Refused("mac1")
        e = m[12:44]
        h = hash_(self.hash, e)
        c, = kdf(1, self.chain, e)
        c, = kdf(1, c, dh(self.ephemeral, e))
        c, = kdf(1, c, dh(self.private, e))
        c, t, k = kdf(3, c, self.psk)
        aead_open(k, 0, m[44:60], hash_(h, t))
        send, receive = kdf(2, c, b"")
        return Session(send, receive, self.index, remote)


class ReceivedInitiation:
    """An initiation from the daemon, decrypted with our private key."""

    def __init__(self, private, m, psk=ZERO_PSK):
        if len(m) != 148 or m[:4] != struct.pack("<I", INITIATION):
            raise Refused("not an initiation")
        ours = public(private)
        if m[116:132] != mac(hash_(b"mac1----", ours), m[:116]):
            raise Refused("mac1")
        self.message, self.psk = m, psk
        self.remote, self.e, self.mac2 = struct.unpack("<I", m[4:8])[0], m[8:40], m[132:]
        h = hash_(hash_(HASH, ours), self.e)
        c, = kdf(1, CHAIN, self.e)
        c, k = kdf(2, c, dh(private, self.e))
        self.static = aead_open(k, 0, m[40:88], h)
        h = hash_(h, m[40:88])
        c, k = kdf(2, c, dh(private, self.static))
        self.timestamp = aead_open(k, 0, m[88:116], h)
        self.hash, self.chain = hash_(h, m[88:116]), c

    def respond(self, ephemeral_public=None, cookie=None, psk=None, index=None):
        """(response, the session that it establishes)."""
        private = new_private()
        e = ephemeral_public or public(private)
        index = int.from_bytes(os.urandom(4), "little") if index is None else index
        low = e in LOW_ORDER
        h = hash_(self.hash, e)
        c, = kdf(1, self.chain, e)
        c, = kdf(1, c, bytes(32) if low else dh(private, self.e))
        c, = kdf(1, c, bytes(32) if low else dh(private, self.static))
        c, t, k = kdf(3, c, psk or self.psk)
        empty = aead_seal(k, 0, b"", hash_(h, t))
        receive, send = kdf(2, c, b"")
        body = struct.pack("<III", RESPONSE, index, self.remote) + e + empty
        return macs(body, self.static, cookie), Session(send, receive, index, self.remote)

    def cookie_reply(self, private, cookie, flip=False):
        """A cookie reply to this initiation."""
        nonce = os.urandom(24)
        sealed = xaead(hash_(b"cookie--", public(private)), nonce, True, cookie, self.message[116:132])
        if flip:
            sealed = bytes([sealed[0] ^ 1]) + sealed[1:]
        return struct.pack("<II", COOKIE, self.remote) + nonce + sealed


def read_cookie(m, refused, index, by):
    """The cookie in the reply m to our message `refused` with sender `index`; `by`: public key of the replier."""
    if len(m) != 64 or m[:8] != struct.pack("<II", COOKIE, index):
        raise Refused("not a cookie reply to this message")
    return xaead(hash_(b"cookie--", by), m[8:32], False, m[32:], refused[-32:-16])


# ---- inner packets ----

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack(f">{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def ipv4(source, to, payload=b"", protocol=253, tos=0, total=None):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, tos, 20 + len(payload) if total is None else total, 0, 0, 64,
                       protocol, 0, socket.inet_aton(source), socket.inet_aton(to))
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def ipv6(source, to, payload=b"", protocol=253, tos=0, length=None):
    return struct.pack(">IHBB", 6 << 28 | tos << 20, len(payload) if length is None else length, protocol, 64) \
        + socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, to) + payload


def echo(source, to, number, payload=b""):
    body = struct.pack(">BBHHH", 8, 0, 0, 0x1234, number) + payload
    return ipv4(source, to, body[:2] + struct.pack(">H", checksum(body)) + body[4:], protocol=1)


def padded(packet):
    return packet + bytes(-len(packet) % 16)
