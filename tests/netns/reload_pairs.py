#!/usr/bin/env python3
"""reload_pairs.py SEED COUNT: pairs of tunnel files F1, F2, made from the seeds SEED to SEED + COUNT - 1, on a test host.

After `up F1` and `reload` with F2, the host is as after `up F2`, `diff` prints nothing, and `down` leaves nothing behind; the
same from F2 to F1. After `save`, the file describes the tunnel as it is. After a reload that fails, the host is as before, with
the same source addresses. A second tunnel stays as it is throughout. Each pair for which this is wrong is printed, with its
seed and both files. Runs as root in a host of tests/lib/netns.bash that has an interface eth0.
"""

import os
import random
import re
import subprocess
import sys
import time

KEY = "oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs="
PEERS = [
    "Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=",
    "KY0qEDi4bOKDxqKj9yt6kczUuZpYetOyQNKkXRfc+Uw=",
    "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=",
]
ADDRESSES = [
    "10.0.0.1/24", "10.0.0.2/24", "10.0.0.1/32", "10.0.0.9/25", "10.1.0.1/16", "10.5.0.1/32", "10.0.0.3/0",
    "fd00::1/64", "fd00::2/64", "fd00::1/128", "fd05::1/128", "fe80::5/64", "fe80::7/128",
]
PREFIXES = [
    "10.0.0.0/24", "10.0.0.0/25", "10.0.0.7/32", "10.1.0.0/16", "10.2.0.0/16", "10.2.3.0/24", "10.2.3.4/32", "0.0.0.0/0",
    "0.0.0.0/1", "128.0.0.0/1", "fd00::/64", "fd01::/48", "fd01::/64", "fd01::5/128", "::/0", "2000::/3",
]
EXCLUDED = ["10.2.3.0/24", "10.0.0.0/25", "192.168.5.0/24", "fd01::/64", "2001:db8:5::/64"]
BAD_ADDRESS = "ff05::1/128"
TAKEN_TABLE = 900  # has a default route of eth0
FILE = "/etc/wireguard/%s.conf"


def some(r, values, least, most):
    return r.sample(values, r.randint(least, most))


def maybe(r, lines, chance, key, values):
    if r.random() < chance:
        lines.append(f"{key} = {r.choice(values)}")


def interface(r):
    lines = ["[Interface]", f"PrivateKey = {KEY}"]
    addresses = some(r, ADDRESSES, 0, 4)
    if addresses:
        lines.append("Address = " + ", ".join(addresses))
    maybe(r, lines, 0.5, "ListenPort", [5101, 5102])
    maybe(r, lines, 0.3, "FwMark", ["0x1234", 4321, "off"])
    maybe(r, lines, 0.4, "MTU", [1280, 1300, 1400, 1200])
    maybe(r, lines, 0.5, "Table", ["auto", "auto", "off", 777, 778, "main"])
    maybe(r, lines, 0.5, "DNS", ["10.0.0.53", "10.0.0.53, corp.example", "fd00::53, 10.0.0.54, a.example, b.example"])
    maybe(r, lines, 0.2, "RouteMetric", [5, 77])
    if r.random() < 0.25:
        lines.append("ExcludeIPs = " + ", ".join(some(r, EXCLUDED, 1, 2)))
    maybe(r, lines, 0.3, "PostUp", ["echo up", "true"])
    maybe(r, lines, 0.2, "PreDown", ["echo down %i"])
    maybe(r, lines, 0.2, "SaveConfig", ["true"])
    return lines


def peer(r, key, endpoint, free):
    prefixes = some(r, free, 0, min(5, len(free)))
    lines = ["[Peer]", f"PublicKey = {key}"]
    if prefixes:
        lines.append("AllowedIPs = " + ", ".join(prefixes))
        if free is not PREFIXES:
            # Where two peers have an allowed IP, and the one that takes it has Routes, reload does not find the route.
            for prefix in prefixes:
                free.remove(prefix)
            lines.append("Routes = " + ", ".join(r.sample(prefixes, r.randint(1, len(prefixes)))))
    if endpoint:
        lines.append(f"Endpoint = 192.168.5.254:{r.choice([5801, 5802])}")
    maybe(r, lines, 0.3, "PresharedKey", [KEY, PEERS[0]])
    maybe(r, lines, 0.3, "PersistentKeepalive", [25, 3600, "off"])
    maybe(r, lines, 0.15, "Disabled", ["yes"])
    return lines


def pair(seed):
    r = random.Random(seed)
    # A peer has an endpoint in both files or in none: WireGuard can remove an endpoint only with the peer.
    endpoints = {key: r.random() < 0.7 for key in PEERS}
    default = r.choice(["", ", 0.0.0.0/0", ", ::/0, 0.0.0.0/0"])
    files = []
    for _ in range(2):
        lines = interface(r)
        # Inside another tunnel the MTU depends on the mark, and the mark of before is kept.
        if default and not any(line.startswith("MTU") for line in lines):
            lines.append("MTU = 1340")
        free = list(PREFIXES) if r.random() < 0.3 else PREFIXES
        for key in some(r, PEERS, 1, 3):
            lines += peer(r, key, endpoints[key], free)
        text = "\n".join(lines) + "\n"
        if "Table = main" in text:  # has a default route already; that of a tunnel cannot be added
            text = re.sub(r"(0.0.0.0|::)/0", "10.6.0.0/16", text)
        files.append(text)
    # "Table = main" has routes inside the networks of addresses, "Table = auto" has none: the journal knows the number only.
    if any("Table = main" in text for text in files):
        files = [re.sub("Table = auto\n", "", text) for text in files]
        files = [text if "Table" in text else text.replace("[Interface]", "[Interface]\nTable = 777", 1) for text in files]
    other = ["[Interface]", f"PrivateKey = {PEERS[1]}", "Address = 10.90.0.1/24, fd90::1/64", "DNS = 10.90.0.53", "[Peer]",
             f"PublicKey = {PEERS[0]}", "AllowedIPs = 10.91.0.0/16, fd91::/64" + default]
    return files[0], files[1], "\n".join(other) + "\n"


def run(*words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
    return done.returncode, done.stdout


class Mismatch(Exception):
    pass


def must(*words):
    code, out = run(*words)
    if code != 0:
        raise Mismatch(f"{' '.join(words)}: exit {code}\n{out}")
    return out


def write(name, text):
    fd = os.open(FILE % name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as f:
        f.write(text)


def has(text, key):
    return re.search(rf"^{key} *=", text, re.M) is not None


def configuration(text, file):
    """The sections of a configuration of wg(8), in one order, without what the tunnel file leaves open."""
    sections, seen = [], set()
    for section in reversed(re.split(r"^(?=\[)", text, flags=re.M)[1:]):
        lines = []
        for line in section.splitlines():
            key = line.split(" ")[0]
            if key == "ListenPort" and not has(file, key) or key == "FwMark" and not re.search("^FwMark = [^o]", file, re.M):
                continue  # reload keeps that of before
            if line in ("PersistentKeepalive = off", ""):
                continue
            if key == "FwMark":
                line = f"FwMark = {int(line.split()[-1], 0)}"
            if key == "AllowedIPs":
                prefixes = set(line[13:].split(", ")) - seen  # the last peer has it
                seen |= prefixes
                line = "AllowedIPs = " + ", ".join(sorted(prefixes)) if prefixes else ""
            if line not in ("PersistentKeepalive = off", ""):
                lines.append(line)
        sections.append(" ".join(sorted(lines)))
    return "\n".join(sorted(sections))


def mark_of(name):
    mark = run("wg", "show", name, "fwmark")[1].strip()
    return int(mark, 0) if re.match(r"0x|\d", mark) else 0


def network(file):
    """The state of the host, sorted, as far as a tunnel could change it."""
    lines = []
    for words in (["address", "show"], ["-4", "route", "show", "table", "all"], ["-6", "route", "show", "table", "all"]):
        for line in must("ip", "-o", *words).splitlines():
            line = re.sub(r"^\d+: ", "", line).replace("\\", " ")
            line = re.sub(r" (tentative|secondary|valid_lft.*|qdisc.*|pref medium)", "", line)
            line = re.sub(r" src \S+", "", line)  # of several addresses of a network, the first
            lines.append(line.strip())
    lines += [re.sub(r"^\d+: |link/.*", "", line) for line in must("ip", "-o", "link", "show").splitlines()]
    text = "\n".join(lines)
    for family in "-4", "-6":
        text += "\n" + re.sub(r"^\d+:", "rule", must("ip", family, "rule", "show"), flags=re.M)
    text += "\n" + "\n".join(sorted(re.split(r"^(?=table )", must("nft", "list", "ruleset"), flags=re.M)))
    mark = mark_of("wg0") if file and not re.search("^FwMark = [^o]", file, re.M) else 0
    if mark:  # any
        text = re.sub(rf"\b({mark}|{mark:#x}|{mark:#010x})\b", "MARK", text)
    routes, rest = text.split("rule", 1)
    text = "\n".join(sorted(routes.splitlines())) + "\nrule" + rest
    with open("/proc/sys/net/ipv4/conf/all/src_valid_mark") as f:
        text += "src_valid_mark " + f.read()
    with open("/etc/resolv.conf") as f:
        text += "\n".join(line for line in f.read().splitlines() if not line.startswith("#wg-quick: "))  # has interface indexes
    return text


def settled(file):
    for _ in range(200):
        if not must("ip", "-6", "address", "show", "tentative"):
            break
        time.sleep(0.05)
    return network(file)


def without_duplicates(text):
    """Without routes to the network of an address in addition to that of the kernel, which do not matter."""
    own = set(re.findall(r"^(\S+ dev wg0) proto kernel", text, re.M))
    return "\n".join(x for x in text.splitlines() if not (" ".join(x.split()[:3]) in own and re.search("wg0( scope link)?( metric 1024)?$", x)))


def state(file, other):
    text = without_duplicates(settled(file)) + "\n" + configuration(must("wg", "showconf", "wg0"), file)
    return text + "\n--\n" + configuration(must("wg", "showconf", "wg1"), other)


def same(what, want, got, output=""):
    if want != got:
        a, b = want.splitlines(), got.splitlines()
        lines = [f"-{x}" for x in a if a.count(x) > b.count(x)] + [f"+{x}" for x in b if b.count(x) > a.count(x)]
        raise Mismatch(f"{what}:\n" + ("\n".join(lines) or "another order:\n" + want + "\n----\n" + got) + "\n" + output)


def no_difference(verb):
    out = must("wg-quick", verb, "wg0")
    out = "\n".join(x for x in out.splitlines() if x.startswith("[#]"))
    if out:
        raise Mismatch(f"{verb} prints:\n{out}")


def up(file):
    write("wg0", file)
    must("wg-quick", "up", "wg0")


def down(none):
    out = must("wg-quick", "down", "wg0")
    same("after down", none, settled(""))


def saved(file, other, before):
    must("wg-quick", "save", "wg0")
    no_difference("diff")
    no_difference("reload")
    same("after save", before, state(file, other))
    same("strip", configuration(must("wg", "showconf", "wg0"), file), configuration(must("wg-quick", "strip", "wg0"), file))


def with_bad_address(file):
    """An address that the kernel refuses."""
    return file.replace("[Peer]", f"Address = {BAD_ADDRESS}\n[Peer]", 1).replace("MTU = 1200", "MTU = 1280")


def with_bad_default(file):
    """A default route that eth0 already has, one of the last steps."""
    file = re.sub("^(FwMark|Table|MTU|ExcludeIPs|Disabled|Routes|AllowedIPs = 0.0.0.0/0$).*\n", "", file, flags=re.M)
    return file.replace("[Peer]", f"FwMark = {TAKEN_TABLE}\n[Peer]", 1) + "AllowedIPs = 0.0.0.0/0\n"


def sources(name):
    """What the source addresses of packets depend on: the order of the addresses, and the routes with theirs."""
    addresses = must("ip", "-o", "address", "show", "dev", name).splitlines()
    lines = sorted(must("ip", "-4", "route", "show", "table", "all", "dev", name).splitlines())
    return "\n".join(re.sub(" valid_lft.*", "", line) for line in addresses + lines)


def exact(file, other):
    return state(file, other) + "\n--\n" + sources("wg0")


def failing(bad, file, other):
    """A reload that fails and is rolled back."""
    before = exact(file, other)
    write("wg0", bad)
    code, out = run("wg-quick", "reload", "wg0")
    if code == 0:
        raise Mismatch(f"a reload that cannot succeed:\n{bad}{out}")
    same("after a reload that failed", before, exact(file, other), bad + out)


def try_order(first, second, other, none, with_bad):
    up(second)
    want = state(second, other)
    no_difference("diff")
    saved(second, other, want)
    down(none)
    up(first)
    failing(with_bad(second), first, other)
    write("wg0", second)
    out = must("wg-quick", "reload", "wg0")
    same("after reload", want, state(second, other), out)
    no_difference("diff")
    no_difference("reload")
    down(none)


def try_pair(seed):
    first, second, other = pair(seed)
    write("wg1", other)
    try:
        must("wg-quick", "up", "wg1")
        none = settled("")
        kinds = with_bad_address, with_bad_default
        for i, files in enumerate([(first, second), (second, first)]):
            try_order(*files, other, none, kinds[(seed + i) % 2])
    except Mismatch as e:
        print(f"seed {seed}: {e}\n# from\n{files[0]}# to\n{files[1]}# other\n{other}")
        return False
    finally:
        for name in "wg0", "wg1":
            if os.path.exists(f"/sys/class/net/{name}"):
                run("wg-quick", "down", name)
    return True


def main():
    must("ip", "route", "add", "default", "dev", "eth0", "table", str(TAKEN_TABLE))
    first, count = int(sys.argv[1]), int(sys.argv[2])
    bad = [seed for seed in range(first, first + count) if not try_pair(seed)]
    sys.exit(f"{len(bad)} of {count}" if bad else 0)


main()
