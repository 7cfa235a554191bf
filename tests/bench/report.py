#!/usr/bin/python3
"""report.py [--results | --picture] FILE...: what the benchmarks measured, from their JSON lines: a table of
medians (least-most) with ratios, and the figures of the goal, met or not. Nothing is a pass or fail. --results: all
of it again, a line per measure; --picture: the tables that picture.gp draws."""
import json
import statistics
import sys

OURS, CEILING = "wgsuite", "ceiling"
LIBRARIES = ("OpenSSL", "OpenSSL-avx2", "libsodium")
NOT_PEERS = (OURS, CEILING) + LIBRARIES  # nor what begins like them

# What a measure is called. A ratio is ours to the peer's.
MEASURES = [
    ("tcp1", "TCP, 1 stream, Mbit/s"),
    ("tcp1-back", "TCP, 1 stream back"),
    ("tcp4", "TCP, 4 streams"),
    ("tcp4-back", "TCP, 4 streams back"),
    ("both-ways", "TCP, both ways at once"),
    ("tcp1-cpu", "CPU of both daemons, s/GB, 1 stream"),
    ("tcp1-back-cpu", "CPU, 1 stream back"),
    ("tcp4-cpu", "CPU, 4 streams"),
    ("tcp4-back-cpu", "CPU, 4 streams back"),
    ("both-ways-cpu", "CPU, both ways"),
    ("udp-64-best", "UDP 64 bytes, packets/s, loss < 0.1 %"),
    ("udp-64-flood", "UDP 64 bytes, packets/s arriving of a flood"),
    ("udp-1400-best", "UDP in 1,400-byte packets, packets/s, loss < 0.1 %"),
    ("udp-1400-flood", "UDP in 1,400-byte packets, of a flood"),
    ("udp-gso", "UDP with GSO sockets, Mbit/s"),
    ("udp-gso-best", "UDP with GSO sockets, packets/s, loss < 0.1 %"),
    ("rtt-idle-p50", "round trip idle, p50, ms"),
    ("rtt-idle-p99", "round trip idle, p99"),
    ("rtt-1G-p50", "round trip beside 1 Gbit/s, p50"),
    ("rtt-1G-p99", "round trip beside 1 Gbit/s, p99"),
    ("rss-idle", "memory idle, MiB"),
    ("rss-peak", "memory, peak"),
    ("start", "start to socket, ms"),
    ("handshake-64-cpu", "CPU of a handshake answered, 64 at a time, µs"),
    ("handshake-1-cpu", "CPU of a handshake answered, one by one, µs"),
    ("handshake-64-rate", "handshakes answered a second, 64 at a time"),
    ("handshake-1-rate", "handshakes answered a second, one by one"),
    ("flood-rate", "flood, initiations a second"),
    ("flood-pings-lost", "flood: pings lost, %"),
    ("flood-join-tries", "flood: initiations until a new peer is in"),
    ("flood-memory", "flood: memory more, MiB"),
    ("flood-normal-after", "flood: no cookies any more after, s"),
    ("idle-calls", "1,000 idle peers, system calls a minute"),
    ("idle-packets", "1,000 idle peers, packets"),
    ("peers-1000-setconf", "1,000 peers, `wg setconf`, s"),
    ("peers-1000-memory", "1,000 peers, memory, MiB"),
    ("peers-100000-setconf", "100,000 peers, `wg setconf`, s"),
    ("peers-100000-loaded", "100,000 peers, accepted"),
    ("peers-100000-memory", "100,000 peers, memory, MiB"),
    ("peers-100000-peak", "100,000 peers, memory meanwhile, MiB"),
    ("peers-100000-each", "an idle peer, KiB"),
    ("peers-100000-dump", "100,000 peers, `wg show dump`, s"),
    ("peers-1000000-setconf", "1,000,000 peers, `wg setconf`, s"),
    ("peers-1000000-loaded", "1,000,000 peers, accepted"),
    ("peers-1000000-memory", "1,000,000 peers, memory, MiB"),
    ("peers-1000000-peak", "1,000,000 peers, memory meanwhile, MiB"),
    ("one-others", "others beside one peer with traffic"),
    ("one-before-p99", "one peer alone, round trip p99, ms"),
    ("one-loading-p99", "one peer while others are loaded, p99"),
    ("one-loading-longest", "one peer while others are loaded, longest"),
    ("one-after-p99", "one peer among them, p99"),
    ("one-loading-lost", "one peer while others are loaded, pings lost, %"),
    ("one-before-tcp", "one peer alone, TCP, Mbit/s"),
    ("one-after-tcp", "one peer among them, TCP, Mbit/s"),
]
NAMES = dict(MEASURES)

# The same beside OpenSSL and libsodium, ns a call.
CRYPTO = [
    ("seal-1420-run", "seal 1,420 bytes, in runs"),
    ("seal-64-run", "seal 64 bytes, in runs"),
    ("seal-1420-one", "seal 1,420 bytes, alone"),
    ("open-1420-run", "open 1,420 bytes, in runs"),
    ("open-64-run", "open 64 bytes, in runs"),
    ("x25519-one", "X25519, alone"),
    ("x25519-batch", "X25519, each of 8"),
    ("blake2s-64", "BLAKE2s, 64 bytes"),
    ("mac1-116-run", "mac1 of an initiation, in lanes"),
    ("reply-16-run", "cookie reply, in lanes"),
]


class Results:
    """Values by measure and by who was measured."""

    def __init__(self, files):
        self.values, self.units, self.about = {}, {}, []
        for name in files:
            with open(name, encoding="utf-8") as lines:
                for line in lines:
                    if line.startswith("{"):
                        self.take(json.loads(line))
        self.peer = next((impl for _, impl in self.values if not impl.startswith(NOT_PEERS)), None)

    def add(self, measure, impl, values, unit):
        self.values.setdefault((measure, impl), []).extend(values)
        self.units[measure] = unit

    def take(self, j):
        if "about" in j:
            self.about.append(j["about"])
        elif "measure" in j:
            self.add(j["measure"], j["impl"], j["values"] if "values" in j else [j["value"]], j["unit"])
        elif "x_openssl" in j:
            self.take_crypto(j)
        elif j.get("bench") == "routes" and j["prefixes"] == 1000000:
            for measure, key in ("route", "find_in_batch_ns"), ("route-one", "find_ns"):
                self.add(measure, OURS, [j[key]], "ns")

    def take_crypto(self, j):
        """Our fastest implementation counts. Compressed blocks are not hashes; BLAKE2b of libsodium is not BLAKE2s."""
        if j["variant"] in ("blocks", "BLAKE2b"):
            return
        primitive = j["primitive"]
        kind = "" if primitive == "blake2s" else "-batch" if j["variant"] == "batch" else \
            "-run" if j["packets"] > 1 else "-one"
        size = "" if primitive == "x25519" else "-%d" % j["bytes"]
        measure = primitive + size + kind
        impl = j["implementation"] if j["implementation"] in LIBRARIES else OURS
        new = [j["ns_min"], j["ns"], j["ns_max"]]
        if impl == OURS and self.median(measure, OURS) is not None:
            if self.median(measure, OURS) <= j["ns"]:
                return
            del self.values[measure, OURS], self.values[measure + "-cycles", OURS]
        self.add(measure, impl, new, "ns")
        self.add(measure + "-cycles", impl, [j["cycles_per_byte"]], "cycles/B")
        if impl != OURS and primitive in ("x25519", "mac1", "reply"):  # the libraries have no batch interface
            self.add(measure.replace("-one", "-batch" if primitive == "x25519" else "-run"), impl, new, "ns")

    def median(self, measure, impl=OURS):
        values = self.values.get((measure, impl))
        return statistics.median(values) if values else None

    def most(self, measure, impl=OURS):
        return max(self.values.get((measure, impl), []), default=None)

    def ratio(self, measure, other, inverse=False):
        pair = (measure, OURS), (measure, other)
        return self.ratio_of(*(reversed(pair) if inverse else pair))

    def ratio_of(self, one, two):
        one, two = self.median(*one), self.median(*two)
        return None if one is None or not two else one / two


def number(v):
    if v is None:
        return ""
    return f"{v:,.0f}" if abs(v) >= 100 or v == int(v) else f"{v:.1f}" if abs(v) >= 10 else \
        f"{v:.2f}" if abs(v) >= 0.1 else f"{v:.3f}"


def cell(r, measure, impl):
    values = r.values.get((measure, impl))
    if not values:
        return ""
    spread = f" ({number(min(values))}-{number(max(values))})" if min(values) != max(values) else ""
    return number(statistics.median(values)) + spread


def goals(r):
    """The rows of the goal: what, the target in words, the figure, whether it is met (None: not measured)."""
    rows = []

    def row(what, figure, relation, limit, words, more=""):
        met = None if figure is None else {"≥": figure >= limit, "≤": figure <= limit, "<": figure < limit}[relation]
        rows.append((what, f"{relation} {number(limit)} {words}", number(figure) + more if met is not None else "", met))

    def beside(what, measure, other, relation, limit, words, inverse=False):
        row(what, r.ratio(measure, other, inverse), relation, limit, words,
            f" ({number(r.median(measure))} beside {number(r.median(measure, other))} {r.units.get(measure)})")

    peer = r.peer
    name = "× wireguard-go"
    for key in "tcp1", "tcp1-back", "tcp4", "tcp4-back":
        what = NAMES[key].replace(", Mbit/s", "")
        beside(what, key, peer, "≥", 2.4, name)
        beside(what, key, CEILING, "≥", 0.6, "of the ceiling without cryptography")
    for key in "tcp1-cpu", "tcp1-back-cpu", "tcp4-cpu", "tcp4-back-cpu", "both-ways-cpu":
        beside(NAMES[key].replace(" of both daemons, s/GB", "").replace("CPU", "CPU per GB"), key, peer, "≤", 0.4, name)
    beside("UDP with GSO sockets", "udp-gso", peer, "≥", 2.5, name)
    beside("64-byte packets a second, loss < 0.1 %", "udp-64-best", peer, "≥", 4, name)
    beside("round trip idle, p50", "rtt-idle-p50", peer, "≤", 0.7, name)
    beside("round trip under 1 Gbit/s, p99", "rtt-1G-p99", peer, "≤", 0.5, name)
    for key, limit in ("seal-1420-run", 2), ("open-1420-run", 2), ("seal-64-run", 4), ("open-64-run", 4):
        cycles = r.median(key + "-cycles")
        row(f"AEAD, {dict(CRYPTO)[key]}", r.ratio(key, "OpenSSL", True), "≥", limit, "× OpenSSL",
            "" if cycles is None else f" ({number(cycles)} cycles/byte)")
    beside("X25519, single", "x25519-one", "OpenSSL", "≥", 1, "× OpenSSL", True)
    beside("X25519, batch of 8", "x25519-batch", "OpenSSL", "≥", 2.5, "× OpenSSL", True)
    row("memory of an idle peer", r.median("peers-100000-each"), "≤", 2, "KiB")
    for n, seconds, mib in (100000, 2, 300), (1000000, 25, 2560):
        row(f"{n:,} peers, accepted", r.median(f"peers-{n}-loaded"), "≥", n, "peers")
        row(f"{n:,} peers, `wg setconf`", r.median(f"peers-{n}-setconf"), "<", seconds, "s")
        row(f"{n:,} peers, memory", r.median(f"peers-{n}-peak"), "<", mib, "MiB")
    # "Traffic of one peer unaffected" is what these three say.
    million = (r.median("one-others") or 0) >= 1000000
    row("one peer while 1,000,000 are loaded: pings lost", r.median("one-loading-lost") if million else None,
        "≤", 0.1, "%")
    row("one peer while 1,000,000 are loaded: p99", r.median("one-loading-p99") if million else None, "≤", 20, "ms",
        f" ({number(r.median('one-before-p99'))} before, longest {number(r.median('one-loading-longest'))})")
    row("one peer among 1,000,000: TCP",
        r.ratio_of(("one-after-tcp", OURS), ("one-before-tcp", OURS)) if million else None, "≥", 0.9, "of what it was")
    row("memory idle", r.median("rss-idle"), "<", 6, "MiB")
    row("memory at full speed", r.most("rss-peak"), "<", 32, "MiB")
    row("route look-up among 1,000,000, in batches, worst table", r.most("route"), "<", 100, "ns",
        f" (one by one {number(r.most('route-one'))})")
    beside("handshakes answered per second of CPU", "handshake-64-cpu", peer, "≥", 3, name, True)
    rate = r.median("flood-rate")
    row("flood: pings lost", r.median("flood-pings-lost"), "≤", 1, "%",
        "" if rate is None else f" (of {number(rate)} initiations a second)")
    row("flood: initiations until a new peer is in", r.most("flood-join-tries"), "≤", 3, "tries")
    row("flood: memory grows", r.most("flood-memory"), "≤", 8, "MiB")
    row("flood: normal again", r.most("flood-normal-after"), "≤", 2, "s")
    row("1,000 idle peers: system calls", r.median("idle-calls"), "≤", 10, "a minute")
    row("1,000 idle peers: packets", r.median("idle-packets"), "≤", 0, "without keepalive")
    return rows


def table(head, rows):
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    for k, row in enumerate([head] + rows):
        print("| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |")
        if k == 0:
            print("| " + " | ".join("-" * w for w in widths) + " |")
    print()


def report(r):
    for about in r.about:
        print(f"{about['bench']}: {about['date']}, {about['cpu']}, {about['cores']} cores, {about['kernel']}, "
              f"load {about['load']} at the start; " +
              ", ".join(f"{k} is {v.split(' - ')[0]}" for k, v in about["of"].items()))
    print()
    impls = [i for i in (OURS, r.peer, CEILING) if i]
    others = sorted({i for measure, i in r.values if measure in NAMES} - set(impls))
    rows = []
    for key, name in MEASURES:
        cells = [cell(r, key, i) for i in impls + others]
        if any(cells):
            rows.append([name] + cells + [number(r.ratio(key, r.peer))])
    if rows:
        table(["median (least-most)"] + impls + others + [f"{OURS} ÷ {r.peer}" if r.peer else ""], rows)
    rows = [[name] + [cell(r, key, i) for i in (OURS,) + LIBRARIES] + [number(r.ratio(key, "OpenSSL", True))]
            for key, name in CRYPTO if (key, OURS) in r.values]
    if rows:
        table(["ns", OURS, *LIBRARIES, f"OpenSSL ÷ {OURS}"], rows)
    rows = goals(r)
    measured = [row for row in rows if row[3] is not None]
    if measured:
        table(["goal", "target", "measured", ""],
              [[what, target, figure, "met" if met else "not met"] for what, target, figure, met in measured])
    missing = "; ".join(dict.fromkeys(what for what, _, _, met in rows if met is None))
    if missing:
        print(f"Not measured: {missing}")
    print(f"{sum(met for *_, met in measured)} of {len(measured)} met" +
          (f", {len(rows) - len(measured)} not measured" if missing else ""))


def results(r):
    for about in r.about:
        print(json.dumps({"about": about}, ensure_ascii=False))
    for (measure, impl), values in r.values.items():
        values = [float(f"{v:.8g}") for v in values]
        print(json.dumps({"impl": impl, "measure": measure, "values": values, "unit": r.units[measure]}))


# The panels of the picture: the label of a group of columns, its measure.
PANELS = {
    "tcp": [("1 stream", "tcp1"), ("1 stream,\\nback", "tcp1-back"), ("4 streams", "tcp4"),
            ("4 streams,\\nback", "tcp4-back"), ("both ways", "both-ways"), ("UDP,\\nGSO", "udp-gso")],
    "cpu": [("1 stream", "tcp1-cpu"), ("1 stream,\\nback", "tcp1-back-cpu"), ("4 streams", "tcp4-cpu"),
            ("4 streams,\\nback", "tcp4-back-cpu"), ("both ways", "both-ways-cpu")],
    "packets": [("64 bytes,\\n< 0.1 % lost", "udp-64-best"), ("64 bytes,\\nof a flood", "udp-64-flood"),
                ("1,400 bytes,\\n< 0.1 % lost", "udp-1400-best"), ("1,400 bytes,\\nof a flood", "udp-1400-flood")],
    "rtt": [("idle, p50", "rtt-idle-p50"), ("idle, p99", "rtt-idle-p99"),
            ("beside 1 Gbit/s,\\np50", "rtt-1G-p50"), ("beside 1 Gbit/s,\\np99", "rtt-1G-p99")],
    "memory": [("idle", "rss-idle"), ("1,000\\nidle peers", "peers-1000-memory"), ("at full speed", "rss-peak")],
    "handshake": [("one by one", "handshake-1-cpu"), ("64 at a time", "handshake-64-cpu")],
    "crypto": [("seal 1,420 B\\nin runs", "seal-1420-run"), ("open 1,420 B\\nin runs", "open-1420-run"),
               ("seal 1,420 B\\nalone", "seal-1420-one"), ("seal 64 B\\nin runs", "seal-64-run")],
    "x25519": [("alone", "x25519-one"), ("each of 8", "x25519-batch")],
}


def picture(r):
    """Datablocks: label, ours, the peer's, the third's, how much better ours is than the peer's."""
    def plain(v):
        return "0" if v is None else f"{v:.6g}"

    for name, groups in PANELS.items():
        second, third = ("OpenSSL", "libsodium") if name in ("crypto", "x25519") else (r.peer, CEILING)
        more = name in ("tcp", "packets")
        print(f"${name} << END")
        for label, measure in groups:
            better = r.ratio(measure, second, inverse=not more)
            print(f'"{label}"', plain(r.median(measure)), plain(r.median(measure, second)),
                  plain(r.median(measure, third)), '"%s"' % ("" if better is None else f"{better:.{0 if better >= 100 else 1}f}×"))
        print("END")
    about = r.about[0] if r.about else {"cpu": "", "cores": 0, "date": "", "kernel": "", "load": 0, "of": {}}
    print(f'peer = "{r.peer}"')
    print('version = "%s"' % "".join(about["of"].get(r.peer, "").split()[-1:]))
    rounds = len(r.values.get(("tcp1", OURS), []))
    print(f'where = "{about["cpu"]}, {about["cores"]} cores for both ends and the load, {about["kernel"].split("-")[0]}, '
          f'{about["date"][:10]}; medians of {rounds} round{"s" if rounds != 1 else ""} in turn; load of other work {about["load"]}"')


def main():
    ways = {"--results": results, "--picture": picture}
    words = sys.argv[1:]
    way = ways[words.pop(0)] if words and words[0] in ways else report
    if not words:
        sys.exit(__doc__)
    way(Results(words))


main()
