#!/usr/bin/env python3
"""json_netlink.py SCHEMA < OUTPUT: compares the JSON of `wg show` with the attributes of the kernel's netlink family
"wireguard", one by one.

The table repeats the attributes of Documentation/netlink/specs/wireguard.yaml in Linux, with their types there; the header
linux/wireguard.h, which is generated from the same source, is the authority on which ones exist. An attribute that the
header has and the table lacks is a failure: it is new, and the JSON may need a key for it."""
import json
import re
import sys

HEADER = "/usr/include/linux/wireguard.h"
MAX = {"u8": 2**8 - 1, "u16": 2**16 - 1, "u32": 2**32 - 1, "u64": 2**64 - 1}
NOT_SHOWN = None

# name in the header: (type, key of the JSON or the reason for its absence)
DEVICE = {
    "WGDEVICE_A_IFINDEX": ("u32", "ifindex"),
    "WGDEVICE_A_IFNAME": ("string", "the key of the interface"),
    "WGDEVICE_A_PRIVATE_KEY": ("key", "privateKey"),
    "WGDEVICE_A_PUBLIC_KEY": ("key", "publicKey"),
    "WGDEVICE_A_FLAGS": (NOT_SHOWN, "of requests only"),
    "WGDEVICE_A_LISTEN_PORT": ("u16", "listenPort"),
    "WGDEVICE_A_FWMARK": ("u32", "fwmark"),
    "WGDEVICE_A_PEERS": ("nest", "peers"),
}
PEER = {
    "WGPEER_A_PUBLIC_KEY": ("string", "the key of the peer"),
    "WGPEER_A_PRESHARED_KEY": ("key", "presharedKey"),
    "WGPEER_A_FLAGS": (NOT_SHOWN, "of requests only"),
    "WGPEER_A_ENDPOINT": ("sockaddr", "endpoint"),
    "WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL": ("u16", "persistentKeepalive"),
    "WGPEER_A_LAST_HANDSHAKE_TIME": ("u64", "latestHandshake"),  # a timespec, of which the seconds
    "WGPEER_A_RX_BYTES": ("u64", "transferRx"),
    "WGPEER_A_TX_BYTES": ("u64", "transferTx"),
    "WGPEER_A_ALLOWEDIPS": ("nest", "allowedIps"),
    "WGPEER_A_PROTOCOL_VERSION": (NOT_SHOWN, "there is one version, 1"),
}
ALLOWEDIP = {
    "WGALLOWEDIP_A_FAMILY": ("string", "the form of the address"),
    "WGALLOWEDIP_A_IPADDR": ("string", "in front of the slash"),
    "WGALLOWEDIP_A_CIDR_MASK": ("string", "after the slash"),
    "WGALLOWEDIP_A_FLAGS": (NOT_SHOWN, "of requests only"),
}
NEWER = {"WGALLOWEDIP_A_FLAGS"}  # Linux 6.16
ADDITIONAL = {"backend", "name"}  # of this suite


def attributes_of_header():
    with open(HEADER) as file:
        text = file.read()
    names = re.findall(r"^\s*(WG(?:DEVICE|PEER|ALLOWEDIP)_A_[A-Z_]+)\s*(?:=[^,]*)?,", text, re.M)
    return [n for n in names if not n.endswith(("_UNSPEC", "_LAST"))]


def check_schema(table, properties, keys):
    for name, (kind, key) in table.items():
        if kind in (NOT_SHOWN, "string"):
            assert key not in properties, (name, key)
            continue
        rule = properties[key]
        keys.add(key)
        if kind in MAX:
            assert rule["type"] == "integer" and rule["maximum"] == MAX[kind], (name, rule)
        elif kind == "key":
            assert rule["$ref"] == "#/$defs/key", (name, rule)
        elif kind == "nest":
            assert rule["type"] in ("object", "array"), (name, rule)
        else:
            assert kind == "sockaddr" and rule["type"] == "string", (name, rule)


def main():
    with open(sys.argv[1]) as file:
        definitions = json.load(file)["$defs"]
    header = attributes_of_header()
    table = {**DEVICE, **PEER, **ALLOWEDIP}
    assert len(header) >= 21, header
    unknown = set(header) - set(table)
    assert not unknown, f"new attributes: {unknown}"
    assert set(table) - set(header) <= NEWER, set(table) - set(header)

    interface, peer = definitions["interface"]["properties"], definitions["peer"]["properties"]
    keys = set()
    check_schema(DEVICE, interface, keys)
    check_schema(PEER, peer, keys)
    assert set(interface) | set(peer) == keys | ADDITIONAL, (set(interface) | set(peer)) ^ (keys | ADDITIONAL)

    # The output has every key; ifindex is of kernel interfaces.
    seen = set()
    for device in json.load(sys.stdin).values():
        seen |= set(device)
        for values in device["peers"].values():
            seen |= set(values)
    missing = (keys | ADDITIONAL) - seen - {"ifindex"}
    assert not missing, f"not in the output: {missing}"


main()
