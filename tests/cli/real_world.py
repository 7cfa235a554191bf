#!/usr/bin/python3
"""real_world.py FOLDER: writes tunnel files in the shapes in which installers, servers with web interfaces, providers and
people write them, with varied parameters: FOLDER/SHAPE-N/NAME.conf. Files in one folder belong together. All of them work, so
that the checker must not warn of anything, except where the shape says so: a file FOLDER/SHAPE-N/expected lists findings."""
import base64
import hashlib
import os
import sys

WG_KEYS = {}


def clamp_and_multiply(private):
    """X25519 with the base point (RFC 7748), so that files of both ends fit."""
    p = 2**255 - 19
    k = int.from_bytes(private, "little") & ~7 & ~(1 << 255) | 1 << 254
    x1, x2, z2, x3, z3, swap = 9, 1, 0, 9, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % p, b * b % p, d * a % p, c * b % p
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % p, x1 * (da - cb) ** 2 % p
        x2, z2 = aa * bb % p, e * (aa + 121665 * e) % p
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


def secret(name):
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


def pair(name):
    """The private and the public key with this name."""
    if name not in WG_KEYS:
        raw = bytearray(hashlib.sha256(name.encode()).digest())
        raw[0] &= 248
        raw[31] = raw[31] & 127 | 64
        WG_KEYS[name] = (base64.b64encode(raw).decode(), base64.b64encode(clamp_and_multiply(bytes(raw))).decode())
    return WG_KEYS[name]


NIC = ["eth0", "ens3", "enp1s0", "venet0", "br-lan"]
PORT = [51820, 1194, 443, 53, 4500, 51821]
NAMES = ["laptop", "phone", "büro", "tablet-2", "Frau Müller", "alice@example.com", "客厅电视", "nas"]


def algo(n):
    """Algo: `SaveConfig = false`, a comment after [Peer], several tunnels of users."""
    count = 1 + n % 5
    server = [f"[Interface]", f"Address = 10.49.0.1/16,2001:db8:a160::1/48", f"ListenPort = {PORT[n % 6]}",
              f"PrivateKey = {pair(f'algo-s{n}')[0]}", "SaveConfig = false", ""]
    files = {}
    for i in range(count):
        name = f"u{i}"
        server += ["[Peer]", f"# {NAMES[(n + i) % 8]}", f"PublicKey = {pair(f'algo-{n}-{i}')[1]}",
                   f"PresharedKey = {secret(f'algo-psk-{n}-{i}')}",
                   f"AllowedIPs = 10.49.0.{i + 2}/32,2001:db8:a160::{i + 2:x}/128", ""]
        keepalive = [f"PersistentKeepalive = {25 * (n % 2)}"] if n % 3 else []
        files[name] = ["[Interface]", f"PrivateKey = {pair(f'algo-{n}-{i}')[0]}",
                       f"Address = 10.49.0.{i + 2}/32,2001:db8:a160::{i + 2:x}/128", "DNS = 172.28.85.226,fd00::9:b3b2", "", "[Peer]",
                       f"PublicKey = {pair(f'algo-s{n}')[1]}", f"PresharedKey = {secret(f'algo-psk-{n}-{i}')}",
                       "AllowedIPs = 0.0.0.0/0,::/0", f"Endpoint = 203.0.113.{n + 1}:{PORT[n % 6]}"] + keepalive
    files["wg0"] = server
    return files


def pivpn(n):
    """PiVPN: markers around peers, disabled peers in comments."""
    server = ["[Interface]", f"PrivateKey = {pair(f'pivpn-s{n}')[0]}", f"Address = 10.{n}.19.1/24,fd11:5ee:bad:c0de::1/64",
              "MTU = 1420", f"ListenPort = {PORT[n % 6]}"]
    files = {}
    for i in range(1 + n % 4):
        disabled = "#[disabled] " if i == 2 else ""
        server += [f"### begin c{i} ###", f"{disabled}[Peer]", f"{disabled}PublicKey = {pair(f'pivpn-{n}-{i}')[1]}",
                   f"{disabled}PresharedKey = {secret(f'pivpn-psk-{n}-{i}')}",
                   f"{disabled}AllowedIPs = 10.{n}.19.{i + 2}/32,fd11:5ee:bad:c0de::{i + 2}/128", f"### end c{i} ###"]
        if not disabled:
            files[f"c{i}"] = ["[Interface]", f"PrivateKey = {pair(f'pivpn-{n}-{i}')[0]}",
                              f"Address = 10.{n}.19.{i + 2}/24,fd11:5ee:bad:c0de::{i + 2}/64", f"DNS = 10.{n}.19.1", "", "[Peer]",
                              f"PublicKey = {pair(f'pivpn-s{n}')[1]}", f"PresharedKey = {secret(f'pivpn-psk-{n}-{i}')}",
                              f"Endpoint = vpn{n}.example.org:{PORT[n % 6]}", "AllowedIPs = 0.0.0.0/0, ::0/0"]
    files["wg0"] = server
    return files


def wireguard_install(n):
    """A script that writes rules for iptables, ip6tables or firewalld, and `### Client NAME`."""
    nic, port = NIC[n % 5], 49152 + n
    if n % 3 == 2:
        hooks = [f"PostUp = firewall-cmd --zone=public --add-interface=wg0 && firewall-cmd --add-port {port}/udp && firewall-cmd "
                 "--add-rich-rule='rule family=ipv4 source address=10.66.66.0/24 masquerade'",
                 f"PostDown = firewall-cmd --zone=public --remove-interface=wg0 && firewall-cmd --remove-port {port}/udp && firewall-cmd "
                 "--remove-rich-rule='rule family=ipv4 source address=10.66.66.0/24 masquerade'"]
    else:
        rules = [f"iptables -I INPUT -p udp --dport {port} -j ACCEPT", f"iptables -I FORWARD -i {nic} -o wg0 -j ACCEPT",
                 "iptables -I FORWARD -i wg0 -j ACCEPT", f"iptables -t nat -A POSTROUTING -o {nic} -j MASQUERADE",
                 "ip6tables -I FORWARD -i wg0 -j ACCEPT", f"ip6tables -t nat -A POSTROUTING -o {nic} -j MASQUERADE"]
        hooks = [f"PostUp = {r}" for r in rules]
        hooks += ["PostDown = " + r.replace(" -I ", " -D ").replace(" -A ", " -D ") for r in rules]
    server = ["[Interface]", "Address = 10.66.66.1/24,fd42:42:42::1/64", f"ListenPort = {port}",
              f"PrivateKey = {pair(f'wi-s{n}')[0]}"] + hooks
    files = {}
    for i in range(1 + n % 3):
        server += ["", f"### Client c{i}", "[Peer]", f"PublicKey = {pair(f'wi-{n}-{i}')[1]}",
                   f"PresharedKey = {secret(f'wi-psk-{n}-{i}')}", f"AllowedIPs = 10.66.66.{i + 2}/32,fd42:42:42::{i + 2}/128"]
        files[f"wg0-client-c{i}"] = [
            "[Interface]", f"PrivateKey = {pair(f'wi-{n}-{i}')[0]}", f"Address = 10.66.66.{i + 2}/32,fd42:42:42::{i + 2}/128",
            "DNS = 1.1.1.1,1.0.0.1", "", "# Uncomment the next line to set a custom MTU", "# MTU = 1420", "", "[Peer]",
            f"PublicKey = {pair(f'wi-s{n}')[1]}", f"PresharedKey = {secret(f'wi-psk-{n}-{i}')}", f"Endpoint = 198.51.100.{n}:{port}",
            "AllowedIPs = 0.0.0.0/0,::/0"]
    files["wg0"] = server
    return files


def web(n):
    """Servers with web interfaces: empty hooks, `# Client: NAME (ID)`, a generated header."""
    post = "" if n % 2 else (f"iptables -t nat -A POSTROUTING -s 10.8.0.0/24 -o {NIC[n % 5]} -j MASQUERADE; iptables -A INPUT -p udp -m udp "
                             "--dport 51820 -j ACCEPT; iptables -A FORWARD -i wg0 -j ACCEPT; iptables -A FORWARD -o wg0 -j ACCEPT; ")
    server = ["# Note: Do not edit this file directly.", "# Your changes will be overwritten!", "", "# Server", "[Interface]",
              f"PrivateKey = {pair(f'web-s{n}')[0]}", "Address = 10.8.0.1/24, fdcc:ad94:bacf:61a4::cafe:1/112", "ListenPort = 51820",
              "MTU = 1420", "PreUp = ", f"PostUp = {post}", "PreDown = ", f"PostDown = {post.replace('-A ', '-D ')}", "Table = auto", ""]
    files = {}
    for i in range(1 + n % 4):
        server += [f"# Client: {NAMES[(n + i) % 8]} ({i + 1})", "[Peer]", f"PublicKey = {pair(f'web-{n}-{i}')[1]}",
                   f"PresharedKey = {secret(f'web-psk-{n}-{i}')}",
                   f"AllowedIPs = 10.8.0.{i + 2}/32, fdcc:ad94:bacf:61a4::cafe:{i + 2}/128", ""]
        files[f"client{i}"] = [
            "[Interface]", f"PrivateKey = {pair(f'web-{n}-{i}')[0]}", f"Address = 10.8.0.{i + 2}/24, fdcc:ad94:bacf:61a4::cafe:{i + 2}/112",
            "DNS = 1.1.1.1, 2606:4700:4700::1111", "MTU = 1420", "", "[Peer]", f"PublicKey = {pair(f'web-s{n}')[1]}",
            f"PresharedKey = {secret(f'web-psk-{n}-{i}')}", "AllowedIPs = 0.0.0.0/0, ::/0", f"PersistentKeepalive = {25 * (n % 2)}",
            f"Endpoint = host{n}.example.net:51820"]
    files["wg0"] = server
    return files


def container(n):
    """An image that writes peers from a list of names, with keepalives on both ends."""
    server = ["[Interface]", f"Address = 10.13.{n}.1", "ListenPort = 51820", f"PrivateKey = {pair(f'co-s{n}')[0]}",
              "PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -A FORWARD -o %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth+ -j "
              "MASQUERADE",
              "PostDown = iptables -D FORWARD -i %i -j ACCEPT; iptables -D FORWARD -o %i -j ACCEPT; iptables -t nat -D POSTROUTING -o eth+ -j "
              "MASQUERADE", ""]
    files = {}
    for i in range(1 + n % 3):
        keepalive = ["PersistentKeepalive = 25"] if n % 2 else []
        server += ["[Peer]", f"# peer_{NAMES[i]}", f"PublicKey = {pair(f'co-{n}-{i}')[1]}",
                   f"PresharedKey = {secret(f'co-psk-{n}-{i}')}", f"AllowedIPs = 10.13.{n}.{i + 2}/32"] + keepalive + [""]
        files[f"peer{i}"] = [
            "[Interface]", f"Address = 10.13.{n}.{i + 2}", f"PrivateKey = {pair(f'co-{n}-{i}')[0]}", "ListenPort = 51820",
            f"DNS = 10.13.{n}.1", "", "[Peer]", f"PublicKey = {pair(f'co-s{n}')[1]}", f"PresharedKey = {secret(f'co-psk-{n}-{i}')}",
            f"Endpoint = vpn.example.com:51820", "AllowedIPs = 0.0.0.0/0, ::/0"]
    files["wg0"] = server
    return files


def provider(n):
    """Providers: one key and one address in the files of many servers, or the same address for every user."""
    kind = n % 3
    files = {}
    for i in range(4):
        if kind == 0:
            private, address, dns = pair(f"mu{n}")[0], f"10.64.{n}.7/32,fc00:bbbb:bbbb:bb01::1:{n:x}/128", "10.64.0.1"
        elif kind == 1:
            private, address, dns = pair(f"pr{n}-{i}")[0], "10.2.0.2/32, 2a07:b944::2:2/128", "10.2.0.1, 2a07:b944::2:1"
        else:
            private, address, dns = pair(f"iv{n}")[0], f"172.20.{n}.7/32", "172.16.0.1"
        head = ["[Interface]", "# Bouncing = 0", "# NAT-PMP (Port Forwarding) = off"] if kind == 1 else ["[Interface]", "# Device: Sunny Cat"]
        files[f"se-got-wg-{i:03}"] = head + [
            f"PrivateKey = {private}", f"Address = {address}", f"DNS = {dns}", "", "[Peer]", f"PublicKey = {pair(f'server{kind}-{i}')[1]}",
            "AllowedIPs = 0.0.0.0/0,::0/0", f"Endpoint = 192.0.2.{i + 1}:{PORT[n % 6]}"]
    return files


def hub_and_sites(n):
    """A hub and sites behind NAT, each with its network; some with Table = off and hooks."""
    hub = ["[Interface]", "Address = 10.1.1.1/32", "ListenPort = 51820", f"PrivateKey = {pair(f'hub{n}')[0]}", ""]
    files = {}
    count = 2 + n % 4
    for i in range(count):
        others = [f"192.168.{k + 10}.0/24" for k in range(count) if k != i]
        hub += ["[Peer]", f"PublicKey = {pair(f'site{n}-{i}')[1]}", f"AllowedIPs = 10.1.1.{i + 11}/32,192.168.{i + 10}.0/24", ""]
        table = ["Table = off"] + [f"PostUp = ip -4 route add {o} dev %i" for o in ["10.1.1.0/24"] + others] if n % 2 else []
        files[f"site{i}"] = ["[Interface]", f"Address = 10.1.1.{i + 11}/32", f"PrivateKey = {pair(f'site{n}-{i}')[0]}"] + table + [
            "", "[Peer]", f"PublicKey = {pair(f'hub{n}')[1]}", f"AllowedIPs = 10.1.1.0/24,{','.join(others)}",
            "Endpoint = example.com:51820", "PersistentKeepalive = 25"]
    files["hub"] = hub
    return files


def mesh(n):
    """Every host is a peer of every other, with endpoints; names in comments before [Peer]."""
    count = 3 + n % 3
    files = {}
    for i in range(count):
        lines = [f"#Host{i}", "[Interface]", f"Address = 172.16.{n}.{i + 1}/24", f"ListenPort = {5555 + i}", f"PrivateKey = {pair(f'm{n}-{i}')[0]}"]
        for k in range(count):
            if k != i:
                lines += ["", f"#Host{k}", "[Peer]", f"PublicKey = {pair(f'm{n}-{k}')[1]}", f"AllowedIPs = 172.16.{n}.{k + 1}/32",
                          f"Endpoint = 192.168.1.{160 + k}:{5555 + k}"]
        files[f"host{i}"] = lines
    return files


def road_warrior(n):
    """Clients that people write: split tunnels, key files, keys in any case, comments at the ends of lines."""
    variants = [
        ["[interface]", f"privatekey={pair(f'rw{n}')[0]}", "address=10.9.0.2/24", "dns=10.9.0.1, corp.example", "", "[peer]",
         f"publickey={pair('rw-s')[1]}", "allowedips=10.9.0.0/24, 10.20.0.0/16", "endpoint=vpn.example.com:51820", "persistentkeepalive=25"],
        ["[Interface]", "Address = 10.9.0.3/32 # laptop", "PostUp = wg set %i private-key /etc/wireguard/%i.key", "", "[Peer]",
         f"PublicKey = {pair('rw-s')[1]} # server", "AllowedIPs = 10.9.0.0/24", "Endpoint = [2001:db8::7]:51820"],
        ["[Interface]", f"PrivateKey = {pair(f'rw{n}')[0]}", "Address = 10.9.0.4/24", "Address = fd00:9::4/64", "MTU = 1280", "", "[Peer]",
         f"PublicKey = {pair('rw-s')[1]}", "AllowedIPs = 0.0.0.0/1, 128.0.0.0/1, ::/1, 8000::/1", "Endpoint = vpn.example.com:443"],
        ["[Interface]", f"PrivateKey = {pair(f'rw{n}')[0]}", "Address = 10.9.0.5/24", "DNS = 10.9.0.1",
         "PostUp = iptables -I OUTPUT ! -o %i -m mark ! --mark $(wg show %i fwmark) -m addrtype ! --dst-type LOCAL -j REJECT",
         "PreDown = iptables -D OUTPUT ! -o %i -m mark ! --mark $(wg show %i fwmark) -m addrtype ! --dst-type LOCAL -j REJECT", "", "[Peer]",
         f"PublicKey = {pair('rw-s')[1]}", "AllowedIPs = 0.0.0.0/0, ::/0", "Endpoint = vpn.example.com:51820"],
        ["[Interface]", f"PrivateKey = {pair(f'rw{n}')[0]}", "Address = 10.9.0.6/24", "Table = 1234",
         "PostUp = ip rule add ipproto tcp dport 22 table 1234", "PreDown = ip rule delete ipproto tcp dport 22 table 1234", "", "[Peer]",
         f"PublicKey = {pair('rw-s')[1]}", "AllowedIPs = 0.0.0.0/0", "Endpoint = vpn.example.com:51820"],
        ["[Interface]", f"PrivateKey = {pair(f'rw{n}')[0]}", "Address = 10.9.0.7/24", "PostUp = /etc/wireguard/scripts/up.sh %i",
         "PostUp = iptables -A FORWARD -i %i -j ACCEPT", "PostDown = /etc/wireguard/scripts/down.sh %i", "", "[Peer]",
         f"PublicKey = {pair('rw-s')[1]}", "AllowedIPs = 10.9.0.0/24", "Endpoint = vpn.example.com:51820"],
        ["[Interface]", f"PrivateKey = {pair(f'rw{n}')[0]}", "Address = 10.9.0.8/24", "PostUp = resolvectl dns %i 10.9.0.1; resolvectl domain %i '~corp'",
         "", "[Peer]", f"PublicKey = {pair('rw-s')[1]}", "AllowedIPs = 10.9.0.0/24, 192.168.0.0/16", "Endpoint = 203.0.113.5:51820", "",
         "[Peer]", f"PublicKey = {pair('rw-t')[1]}", "AllowedIPs = 192.168.7.0/24", "Endpoint = 203.0.113.6:51820"],
    ]
    return {"wg0": variants[n % len(variants)]}


def generated(n):
    """Roles of configuration management: `# Name = HOST`, file comments, nftables hooks, saved state."""
    lines = ["#jinja2: lstrip_blocks:\"True\",trim_blocks:\"True\"", "# Ansible managed", "", "[Interface]", f"# Name = node{n}",
             f"Address = 10.8.{n}.101/24", f"PrivateKey = {pair(f'an{n}')[0]}", "ListenPort = 51820"]
    if n % 3 == 0:
        lines += ["PreUp = nft -f /etc/nftables/wg.nft", "PostDown = nft delete table inet wg"]
    if n % 3 == 1:
        lines += ["PostUp = nft add table inet wg; nft add chain inet wg post '{ type nat hook postrouting priority 100 ; }'; "
                  "nft add rule inet wg post oifname eth0 masquerade", "PostDown = nft delete table inet wg"]
    if n % 3 == 2:
        lines += ["SaveConfig = true", "PostUp = ufw route allow in on wg0 out on eth0", "PreDown = ufw route delete allow in on wg0 out on eth0",
                  "PostUp = sysctl -w net.ipv4.ip_forward=1"]
    for i in range(2):
        lines += ["", "[Peer]", f"# Name = node{n}-{i}", f"PublicKey = {pair(f'an{n}-{i}')[1]}", f"AllowedIPs = 10.8.{n}.{102 + i}/32",
                  f"Endpoint = node{n}-{i}.p.example.com:51820"]
    return {"wg0": lines}


def routed(n):
    """One interface for each neighbour of a routing daemon, without wg-quick's routes."""
    files = {}
    for i in range(2):
        files[f"wg{i}"] = ["[Interface]", f"PrivateKey = {pair(f'bgp{n}')[0]}", f"ListenPort = {5800 + i}", f"Address = fe80::{n + 1:x}/64, 10.255.{n}.{i}/31",
                           "Table = off", "", "[Peer]", f"PublicKey = {pair(f'bgp{n}-{i}')[1]}", f"EndPoint = [2001:db8:{i}::1]:{5800 + i}",
                           "AllowedIPs = 0.0.0.0/0,::/0"]
    return files


SHAPES = [algo, pivpn, wireguard_install, web, container, provider, hub_and_sites, mesh, road_warrior, generated, routed]


def main():
    total = 0
    for shape in SHAPES:
        for n in range(14 if shape is road_warrior else 8):
            folder = os.path.join(sys.argv[1], f"{shape.__name__}-{n}")
            os.makedirs(folder)
            for name, lines in shape(n).items():
                end = "\r\n" if (n + len(name)) % 7 == 3 else "\n"
                with open(os.path.join(folder, name + ".conf"), "w", encoding="utf-8", newline="") as f:
                    f.write(end.join(lines) + end)
                total += 1
    print(total)


main()
