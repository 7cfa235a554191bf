#!/usr/bin/python3
"""report.py [--picture] FILE...: reports on the JSON lines of the benchmarks: for each CPU family tables of medians
(minimum-maximum) with ratios, then the goals, each met or not met by each family. Nothing passes or fails. --picture: prints
the data blocks that picture.gp plots, of the first family.
report.py --results OLD FILE...: prints the figures, one line per measure: those of FILE, and those of OLD that they lack."""
import json
import statistics
import sys

OURS, CEILING = "wgsuite", "ceiling"
LIBRARIES = ("OpenSSL", "OpenSSL-avx2", "libsodium")
NOT_PEERS = (OURS, CEILING) + LIBRARIES  # and labels that start with one of these
WITH_AVX512 = ("avx512", "ifma")  # prefixes of implementations

# Labels of the measures, in the order of the table.
MEASURES = [
    ("tcp1", "TCP, 1 stream, Mbit/s"),
    ("tcp1-back", "TCP, 1 stream, reverse direction"),
    ("tcp4", "TCP, 4 streams"),
    ("tcp4-back", "TCP, 4 streams, reverse direction"),
    ("both-ways", "TCP, both directions at once"),
    ("tcp1-cpu", "CPU time of both daemons, s/GB, 1 stream"),
    ("tcp1-back-cpu", "CPU time, 1 stream, reverse direction"),
    ("tcp4-cpu", "CPU time, 4 streams"),
    ("tcp4-back-cpu", "CPU time, 4 streams, reverse direction"),
    ("both-ways-cpu", "CPU time, both directions at once"),
    ("udp-64-best", "UDP, 64 bytes, packets/s with less than 0.1 % loss"),
    ("udp-64-flood", "UDP, 64 bytes, packets/s received under overload"),
    ("udp-1400-best", "UDP, 1,400 bytes, packets/s with less than 0.1 % loss"),
    ("udp-1400-flood", "UDP, 1,400 bytes, packets/s received under overload"),
    ("udp-gso", "UDP with GSO sockets, Mbit/s"),
    ("udp-gso-best", "UDP with GSO sockets, packets/s with less than 0.1 % loss"),
    ("rtt-idle-p50", "round trip, idle, 50th percentile, ms"),
    ("rtt-idle-p99", "round trip, idle, 99th percentile"),
    ("rtt-1G-p50", "round trip with 1 Gbit/s of other traffic, 50th percentile"),
    ("rtt-1G-p99", "round trip with 1 Gbit/s of other traffic, 99th percentile"),
    ("rss-idle", "memory, idle, MiB"),
    ("rss-peak", "memory, peak"),
    ("start", "time from start to usable socket, ms"),
    ("handshake-64-cpu", "CPU time per answered handshake, 64 concurrent, µs"),
    ("handshake-1-cpu", "CPU time per answered handshake, sequential, µs"),
    ("handshake-64-rate", "handshakes answered per second, 64 concurrent"),
    ("handshake-1-rate", "handshakes answered per second, sequential"),
    ("flood-rate", "handshake flood: initiations per second"),
    ("flood-pings-lost", "handshake flood: lost pings, %"),
    ("flood-join-tries", "handshake flood: initiations until a new peer connects"),
    ("flood-memory", "handshake flood: additional memory, MiB"),
    ("flood-normal-after", "handshake flood: seconds until cookies are no longer required"),
    ("fair-cpu-alone-jain", "64 TCP streams, CPU as the bottleneck: Jain's fairness index"),
    ("fair-cpu-alone-tcp", "64 TCP streams, CPU as the bottleneck: TCP, Mbit/s"),
    ("fair-cpu-alone-p99", "64 TCP streams, CPU as the bottleneck: round trip, 99th percentile, ms"),
    ("fair-cpu-jain", "64 TCP streams and a UDP flood, CPU as the bottleneck: Jain's fairness index"),
    ("fair-cpu-tcp", "64 TCP streams and a UDP flood, CPU as the bottleneck: TCP, Mbit/s"),
    ("fair-cpu-flood", "64 TCP streams and a UDP flood, CPU as the bottleneck: the flood, Mbit/s"),
    ("fair-cpu-p99", "64 TCP streams and a UDP flood, CPU as the bottleneck: round trip, 99th percentile, ms"),
    ("fair-uplink-alone-jain", "64 TCP streams through a slow uplink: Jain's fairness index"),
    ("fair-uplink-alone-tcp", "64 TCP streams through a slow uplink: TCP, Mbit/s"),
    ("fair-uplink-alone-p99", "64 TCP streams through a slow uplink: round trip, 99th percentile, ms"),
    ("fair-uplink-jain", "64 TCP streams and a UDP flood through a slow uplink: Jain's fairness index"),
    ("fair-uplink-tcp", "64 TCP streams and a UDP flood through a slow uplink: TCP, Mbit/s"),
    ("fair-uplink-flood", "64 TCP streams and a UDP flood through a slow uplink: the flood, Mbit/s"),
    ("fair-uplink-p99", "64 TCP streams and a UDP flood through a slow uplink: round trip, 99th percentile, ms"),
    ("idle-calls", "1,000 idle peers, system calls per minute"),
    ("idle-packets", "1,000 idle peers, packets sent"),
    ("peers-1000-setconf", "1,000 peers, `wg setconf`, s"),
    ("peers-1000-memory", "1,000 peers, memory, MiB"),
    ("peers-100000-setconf", "100,000 peers, `wg setconf`, s"),
    ("peers-100000-loaded", "100,000 peers, accepted peers"),
    ("peers-100000-memory", "100,000 peers, memory, MiB"),
    ("peers-100000-peak", "100,000 peers, peak memory during `wg setconf`, MiB"),
    ("peers-100000-each", "memory per idle peer, KiB"),
    ("peers-100000-dump", "100,000 peers, `wg show dump`, s"),
    ("peers-1000000-setconf", "1,000,000 peers, `wg setconf`, s"),
    ("peers-1000000-loaded", "1,000,000 peers, accepted peers"),
    ("peers-1000000-memory", "1,000,000 peers, memory, MiB"),
    ("peers-1000000-peak", "1,000,000 peers, peak memory during `wg setconf`, MiB"),
    ("one-others", "other peers in the following tests with one active peer"),
    ("one-before-p99", "active peer alone, round trip, 99th percentile, ms"),
    ("one-loading-p99", "active peer while the others are configured, 99th percentile"),
    ("one-loading-longest", "active peer while the others are configured, maximum"),
    ("one-after-p99", "active peer among the others, 99th percentile"),
    ("one-loading-lost", "active peer while the others are configured, lost pings, %"),
    ("one-before-tcp", "active peer alone, TCP, Mbit/s"),
    ("one-after-tcp", "active peer among the others, TCP, Mbit/s"),
]
NAMES = dict(MEASURES)

# Rates without loss (ndr.sh).
NDR_SIZES = [("64", "64 bytes"), ("imix", "mixed sizes"), ("1420", "1,420 bytes")]
NDR_DIRECTIONS = [("in", "received"), ("out", "sent")]

# Measures in ns per operation, compared with OpenSSL and libsodium.
CRYPTO = [
    ("seal-1420-run", "seal 1,420 bytes, in runs"),
    ("seal-64-run", "seal 64 bytes, in runs"),
    ("seal-1420-one", "seal 1,420 bytes, one packet"),
    ("seal-16384-one", "seal 16 KiB, one packet"),
    ("open-1420-run", "open 1,420 bytes, in runs"),
    ("open-64-run", "open 64 bytes, in runs"),
    ("x25519-one", "X25519, one"),
    ("x25519-batch", "X25519, each of 8 at once"),
    ("blake2s-64", "BLAKE2s, 64 bytes"),
    ("mac1-116-run", "mac1 of an initiation, each of 16 at once"),
    ("reply-16-run", "cookie reply, each of 256 at once"),
]


class Results:
    """Values of one CPU family, by measure and by the program or library measured."""

    def __init__(self, family):
        self.family = family
        self.values, self.units, self.about = {}, {}, []

    @property
    def peer(self):
        return next((impl for _, impl in self.values if not impl.startswith(NOT_PEERS)), None)

    @property
    def has_avx512(self):
        return not self.family.endswith("without AVX-512")

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

    def keep(self, old):
        """Adds the figures of the same family that are missing here, and what is known of their runs."""
        benches = {about["bench"] for about in self.about}
        measures = {measure for measure, _ in self.values}
        self.about += [about for about in old.about if about["bench"] not in benches]
        for (measure, impl), values in old.values.items():
            if measure not in measures:
                self.add(measure, impl, values, old.units[measure])

    def take_crypto(self, j):
        """Our fastest implementation counts. Compressed blocks are not hashes; BLAKE2b of libsodium is not BLAKE2s."""
        if j["variant"] in ("blocks", "BLAKE2b"):
            return
        if not self.has_avx512 and j["implementation"].startswith(WITH_AVX512):
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


def family_of(about):
    """The name of a CPU family; its second half when WG_CPU keeps us from AVX-512, or the CPU has none."""
    name = about.get("family", about["cpu"])
    return name if "avx512" in about.get("isa", "avx512") else name + ", without AVX-512"


def read(files):
    """Results by family. Lines belong to the family of the last line that names one."""
    families, waiting, family = {}, [], None
    for name in files:
        with open(name, encoding="utf-8") as lines:
            for line in lines:
                if not line.startswith("{"):
                    continue
                j = json.loads(line)
                if "about" in j:
                    family = family_of(j["about"])
                    for earlier in waiting:
                        families.setdefault(family, Results(family)).take(earlier)
                    waiting = []
                if family is None:
                    waiting.append(j)
                else:
                    families.setdefault(family, Results(family)).take(j)
    if waiting:
        families["this CPU"] = Results("this CPU")
        for j in waiting:
            families["this CPU"].take(j)
    return families


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
    """The goals: name, target, figure, whether it is met (None: not measured)."""
    rows = []

    def goal(name, figure, relation, limit, unit, more=""):
        met = None if figure is None else {"≥": figure >= limit, "≤": figure <= limit, "<": figure < limit}[relation]
        rows.append((name, f"{relation} {number(limit)} {unit}", number(figure) + more if met is not None else "", met))

    def compared(name, measure, other, relation, limit, unit, inverse=False):
        goal(name, r.ratio(measure, other, inverse), relation, limit, unit,
             f" ({number(r.median(measure))} to {number(r.median(measure, other))} {r.units.get(measure)})")

    peer = r.peer
    times = "× wireguard-go"
    avx512 = r.has_avx512
    openssl = "OpenSSL" if avx512 or not any(impl == "OpenSSL-avx2" for _, impl in r.values) else "OpenSSL-avx2"
    for key in "tcp1", "tcp1-back", "tcp4", "tcp4-back":
        name = NAMES[key].replace(", Mbit/s", "")
        compared(name, key, peer, "≥", 2.4 if avx512 else 2.6, times)
        compared(name, key, CEILING, "≥", 0.6 if avx512 else 0.66, "× the ceiling without cryptography")
    for key in "tcp1-cpu", "tcp1-back-cpu", "tcp4-cpu", "tcp4-back-cpu", "both-ways-cpu":
        compared(NAMES[key].replace(" of both daemons, s/GB", "").replace("CPU time", "CPU time per GB"), key, peer,
                 "≤", 0.4 if avx512 else 0.34, times)
    compared("UDP with GSO sockets", "udp-gso", peer, "≥", 2.5, times)
    compared("UDP, 64 bytes, less than 0.1 % loss", "udp-64-best", peer, "≥", 4 if avx512 else 4.5, times)
    compared("round trip, idle, 50th percentile", "rtt-idle-p50", peer, "≤", 0.7, times)
    compared("round trip, idle, 99th percentile", "rtt-idle-p99", CEILING, "≤", 1.3, "× the ceiling")
    compared("round trip with 1 Gbit/s of other traffic, 99th percentile", "rtt-1G-p99", peer, "≤", 0.5, times)
    for case in "cpu", "uplink":
        goal(NAMES[f"fair-{case}-jain"], r.median(f"fair-{case}-jain"), "≥", 0.95, "")
    crypto = [("seal-1420-run", 2, 1.9), ("open-1420-run", 2, 1.9), ("seal-64-run", 4, 4), ("open-64-run", 4, 4),
              ("seal-1420-one", 1.4, 1.4), ("seal-16384-one", 1, 1)]
    for key, limit, limit_avx2 in crypto:
        cycles = r.median(key + "-cycles")
        goal(f"AEAD, {dict(CRYPTO)[key]}", r.ratio(key, openssl, True), "≥", limit if avx512 else limit_avx2,
             f"× {openssl}", "" if cycles is None else f" ({number(cycles)} cycles/byte)")
    compared("X25519, one", "x25519-one", "OpenSSL", "≥", 1, "× OpenSSL", True)
    compared("X25519, each of 8 at once", "x25519-batch", "OpenSSL", "≥", 2.5 if avx512 else 1.6, "× OpenSSL", True)
    goal("memory per idle peer", r.median("peers-100000-each"), "≤", 2, "KiB")
    for n, seconds, mib in (100000, 2, 300), (1000000, 25, 2560):
        goal(f"{n:,} peers, accepted peers", r.median(f"peers-{n}-loaded"), "≥", n, "peers")
        goal(f"{n:,} peers, `wg setconf`", r.median(f"peers-{n}-setconf"), "<", seconds, "s")
        goal(f"{n:,} peers, peak memory", r.median(f"peers-{n}-peak"), "<", mib, "MiB")
    # Together these three state that the traffic of one peer is not affected by the others.
    million = (r.median("one-others") or 0) >= 1000000
    goal("active peer while 1,000,000 are configured, lost pings", r.median("one-loading-lost") if million else None,
         "≤", 0.1, "%")
    goal("active peer while 1,000,000 are configured, 99th percentile", r.median("one-loading-p99") if million else None,
         "≤", 20, "ms",
         f" ({number(r.median('one-before-p99'))} before, maximum {number(r.median('one-loading-longest'))})")
    goal("active peer among 1,000,000, TCP",
         r.ratio_of(("one-after-tcp", OURS), ("one-before-tcp", OURS)) if million else None, "≥", 0.9,
         "× alone")
    goal("memory, idle", r.median("rss-idle"), "<", 6, "MiB")
    goal("memory, peak", r.most("rss-peak"), "<", 32, "MiB")
    goal("route lookup among 1,000,000, in batches, slowest table", r.most("route"), "<", 100, "ns",
         f" (one by one {number(r.most('route-one'))})")
    compared("handshakes answered per second of CPU time", "handshake-64-cpu", peer, "≥",
             3 if avx512 else 3.5, times, True)
    rate = r.median("flood-rate")
    goal("handshake flood: lost pings", r.median("flood-pings-lost"), "≤", 1, "%",
         "" if rate is None else f" (at {number(rate)} initiations per second)")
    goal("handshake flood: initiations until a new peer connects", r.most("flood-join-tries"), "≤", 3, "initiations")
    goal("handshake flood: additional memory", r.most("flood-memory"), "≤", 8, "MiB")
    goal("handshake flood: time until cookies are no longer required", r.most("flood-normal-after"), "≤", 2, "s")
    goal("1,000 idle peers, system calls", r.median("idle-calls"), "≤", 10, "per minute")
    goal("1,000 idle peers, packets sent", r.median("idle-packets"), "≤", 0, "without keepalive")
    return rows


def table(head, rows):
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    for k, row in enumerate([head] + rows):
        print("| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |")
        if k == 0:
            print("| " + " | ".join("-" * w for w in widths) + " |")
    print()


def ndr_rows(r, impls):
    """Rates of all programs, then our CPU time and delay in comparison with the peer."""
    measured = sorted({int(m.split("-")[3]) for m, _ in r.values if m.startswith("ndr-")})
    for direction, what in NDR_DIRECTIONS:
        for size, size_name in NDR_SIZES:
            for peers in measured:
                key = f"ndr-{direction}-{size}-{peers}"
                if (key, OURS) not in r.values:
                    continue
                pairs = [" / ".join(number(r.median(f"{key}-{part}", i)) or "–" for i in (OURS, r.peer))
                         for part in ("cores", "p99")]
                yield [f"{what}, {size_name}, {peers:,} peer{'s' if peers > 1 else ''}"] + \
                    [cell(r, key, i) for i in impls] + [number(r.ratio(key, r.peer))] + pairs


def report_family(r):
    print(f"## {r.family}\n")
    for about in r.about:
        print(f"{about['bench']}: {about['date']}, {about['cpu']}, {about['cores']} cores, {about['kernel']}, "
              f"load average {about['load']} at the start; " +
              ", ".join(f"{k}: {v.split(' - ')[0]}" for k, v in about["of"].items()))
    print()
    impls = [i for i in (OURS, r.peer, CEILING) if i]
    others = sorted({i for measure, i in r.values if measure in NAMES} - set(impls))
    compared = f"{OURS} ÷ {r.peer}" if r.peer else ""
    rows = []
    for key, name in MEASURES:
        cells = [cell(r, key, i) for i in impls + others]
        if any(cells):
            rows.append([name] + cells + [number(r.ratio(key, r.peer))])
    if rows:
        table(["median (minimum-maximum)"] + impls + others + [compared], rows)
    rows = list(ndr_rows(r, impls))
    if rows:
        table(["packets/s without loss"] + impls + [compared, "cores per Gbit/s", "99th percentile at half the rate, µs"], rows)
    rows = [[name] + [cell(r, key, i) for i in (OURS,) + LIBRARIES] + [number(r.ratio(key, "OpenSSL", True))]
            for key, name in CRYPTO if (key, OURS) in r.values]
    if rows:
        table(["ns per operation", OURS, *LIBRARIES, f"OpenSSL ÷ {OURS}"], rows)


def report_goals(families):
    """A row for each goal that a family has, with the figures of all; families may have different targets."""
    all_goals = [goals(r) for r in families.values()]
    rows, missing = [], []
    for same in zip(*all_goals):
        if all(met is None for *_, met in same):
            missing.append(same[0][0])
            continue
        cells = [f"{'met' if met else 'not met'}: {figure}, target {target}" if met is not None else "not measured"
                 for _, target, figure, met in same]
        rows.append([same[0][0]] + cells)
    if rows:
        table(["goal"] + list(families), rows)
    if missing:
        print(f"not measured: {'; '.join(dict.fromkeys(missing))}")
    for name, of_family in zip(families, all_goals):
        measured = [met for *_, met in of_family if met is not None]
        missed = len(of_family) - len(measured)
        print(f"{name}: {sum(measured)} of {len(measured)} met" + (f", {missed} not measured" if missed else ""))


def report(families):
    for r in families.values():
        report_family(r)
    report_goals(families)


def results(families):
    for r in families.values():
        for about in r.about:
            print(json.dumps({"about": about}, ensure_ascii=False))
        for (measure, impl), values in r.values.items():
            values = [float(f"{v:.8g}") for v in values]
            print(json.dumps({"impl": impl, "measure": measure, "values": values, "unit": r.units[measure]}))


def merge(old, new):
    """The families of `old` in their order, with the figures of `new` where it has any; then the others of `new`."""
    for family, r in old.items():
        new.setdefault(family, Results(family)).keep(r)
    return {family: new[family] for family in list(old) + [f for f in new if f not in old]}


# The panels of the picture: the label of each group of columns and its measure.
PANELS = {
    "tcp": [("1 stream", "tcp1"), ("1 stream,\\nreverse", "tcp1-back"), ("4 streams", "tcp4"),
            ("4 streams,\\nreverse", "tcp4-back"), ("both\\ndirections", "both-ways"), ("UDP,\\nGSO", "udp-gso")],
    "cpu": [("1 stream", "tcp1-cpu"), ("1 stream,\\nreverse", "tcp1-back-cpu"), ("4 streams", "tcp4-cpu"),
            ("4 streams,\\nreverse", "tcp4-back-cpu"), ("both\\ndirections", "both-ways-cpu")],
    "packets": [("64 bytes,\\n< 0.1 % loss", "udp-64-best"), ("64 bytes,\\noverload", "udp-64-flood"),
                ("1,400 bytes,\\n< 0.1 % loss", "udp-1400-best"), ("1,400 bytes,\\noverload", "udp-1400-flood")],
    "rtt": [("idle,\\np50", "rtt-idle-p50"), ("idle,\\np99", "rtt-idle-p99"),
            ("1 Gbit/s load,\\np50", "rtt-1G-p50"), ("1 Gbit/s load,\\np99", "rtt-1G-p99")],
    "memory": [("idle", "rss-idle"), ("1,000\\nidle peers", "peers-1000-memory"), ("peak", "rss-peak")],
    "handshake": [("sequential", "handshake-1-cpu"), ("64 concurrent", "handshake-64-cpu")],
    "crypto": [("seal 1,420 B\\nin runs", "seal-1420-run"), ("open 1,420 B\\nin runs", "open-1420-run"),
               ("seal 1,420 B\\none packet", "seal-1420-one"), ("seal 64 B\\nin runs", "seal-64-run")],
    "x25519": [("one", "x25519-one"), ("each of 8 at once", "x25519-batch")],
}


def picture(r):
    """Prints data blocks: label, our figure, that of the peer and the third one, and the ratio of the first two."""
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
    print(f'where = "{r.family}, {about["cores"]} cores for both ends and the load, {about["kernel"].split("-")[0]}, '
          f'{about["date"][:10]}; medians of {rounds} alternating round{"s" if rounds != 1 else ""}; load average {about["load"]}"')


def main():
    args = sys.argv[1:]
    mode = args.pop(0) if args and args[0].startswith("--") else ""
    if not args or mode not in ("", "--results", "--picture"):
        sys.exit(__doc__)
    if mode == "--results":
        results(merge(read(args[:1]), read(args[1:])))
    elif mode == "--picture":
        picture(next(iter(read(args).values())))
    else:
        report(read(args))


main()
