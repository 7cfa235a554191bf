#!/usr/bin/env python3
"""openmetrics.py SOCKET: prints the text of a statistics socket if it is valid, or says what is wrong with it.
openmetrics.py openmetrics|prometheus < TEXT: the same for text in this format.

A strict parser of the OpenMetrics text format, version 1.0, for the types that wireguardd uses, and of the text format 0.0.4
of Prometheus. parse(text) and parse_prometheus(text) return {(sample name, ((label, value), …)): value}."""
import re
import socket
import sys
import unicodedata

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
SUFFIX = {"counter": "_total", "gauge": "", "info": "_info"}


def require(condition, line, what):
    if not condition:
        raise ValueError(f"{what}: {line!r}")


def parse_labels(text, line):
    labels = []
    while text:
        m = LABEL.match(text)
        require(m, line, "malformed label")
        value = re.sub(r"\\(.)", lambda e: {"n": "\n"}.get(e[1], e[1]), m[2])
        require(m[1] not in dict(labels), line, "label twice")
        labels.append((m[1], value))
        text = text[m.end():]
        require(not text or (text[0] == "," and len(text) > 1), line, "malformed labels")
        text = text[1:]
    return tuple(labels)


def parse_sample(line, name, kind):
    m = NAME.match(line)
    require(m and m[0] == name, line, f"not a sample {name}")
    rest = line[m.end():]
    labels = ()
    if rest.startswith("{"):
        m = re.match(r'\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\} ', rest)
        require(m, line, "malformed labels")
        labels, rest = parse_labels(m[1], line), rest[m.end() - 1:]
    require(rest.startswith(" ") and NUMBER.fullmatch(rest[1:]), line, "malformed value")
    value = float(rest[1:]) if "." in rest else int(rest[1:])
    require(kind != "info" or value == 1, line, "an info is 1")
    return labels, value


def require_plain(text):
    bad = [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    require(not bad, bad, "control characters")


def parse(text):
    require(text.endswith("\n# EOF\n"), text[-20:], "no # EOF")
    require_plain(text)
    samples, families = {}, set()
    family = kind = None
    expected = ()  # the metadata that may follow, in this order
    for line in text[:-len("# EOF\n")].splitlines():
        if line.startswith("#"):
            m = re.fullmatch(r"# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)", line)
            require(m, line, "malformed metadata")
            if m[1] == "TYPE":
                require(m[2] not in families, line, "family twice")
                require(m[3] in SUFFIX, line, "unknown type")
                require(not m[2].endswith(("_total", "_info", "_created", "_count", "_sum", "_bucket")), line, "reserved suffix")
                family, kind, expected = m[2], m[3], ("UNIT", "HELP")
                families.add(family)
            else:
                require(m[2] == family and m[1] in expected, line, "metadata out of order")
                expected = expected[expected.index(m[1]) + 1:]
            if m[1] == "UNIT":
                require(family.endswith("_" + m[3]) and kind != "info", line, "the name does not end with the unit")
            if m[1] == "HELP":
                require(re.fullmatch(r'(?:[^"\\]|\\["\\n])+', m[3]), line, "malformed help")
            continue
        require(family and not expected, line, "sample before its metadata")
        labels, value = parse_sample(line, family + SUFFIX[kind], kind)
        key = (family + SUFFIX[kind], labels)
        require(key not in samples, line, "sample twice")
        samples[key] = value
    used = {name for name, _ in samples}
    require(len(used) == len(families), sorted(families), "a family without samples")
    return samples


def parse_prometheus(text):
    require(text == "" or text.endswith("\n"), text[-20:], "no newline at the end")
    require_plain(text)
    samples, families = {}, set()
    name = kind = None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            require(kind or name is None, line, "HELP without TYPE")
            m = re.fullmatch(r"# HELP ([a-zA-Z_][a-zA-Z0-9_]*) [^\\]+", line)
            require(m and m[1] not in families, line, "malformed HELP, or a family twice")
            name, kind = m[1], None
            families.add(name)
        elif line.startswith("#"):
            m = re.fullmatch(r"# TYPE ([a-zA-Z_][a-zA-Z0-9_]*) (counter|gauge)", line)
            require(m and m[1] == name and kind is None, line, "malformed TYPE")
            kind = m[2]
            require((kind == "counter") == name.endswith("_total"), line, "counters end with _total, and only they")
        else:
            require(kind, line, "sample before its metadata")
            key = (name, parse_sample(line, name, kind)[0])
            require(key not in samples, line, "sample twice")
            samples[key] = parse_sample(line, name, kind)[1]
    require({n for n, _ in samples} == families, families, "a family without samples")
    return samples


def fetch(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(path)
    pieces = []
    while piece := s.recv(65536):
        pieces.append(piece)
    return b"".join(pieces).decode("utf-8")


if __name__ == "__main__":
    stdin = sys.argv[1] in ("openmetrics", "prometheus")
    received = sys.stdin.buffer.read().decode("utf-8") if stdin else fetch(sys.argv[1])
    (parse_prometheus if sys.argv[1] == "prometheus" else parse)(received)
    sys.stdout.write(received)
