"""The intended differences from wireguard-tools 1.0.20210914, each with its reason, and what our
program must do instead. No rule ignores anything: each turns their result into the one expected of us
(what people read of a place in a file is checked against the file), or leaves it alone."""
import base64
import ipaddress
import re

import model

RULES = []
REASONS = {}


def rule(reason):
    def keep(function):
        name = function.__name__.replace("_", "-")
        RULES.append((name, function))
        REASONS[name] = reason
        return function
    return keep


def expected(case, theirs, ours):
    """Their result as ours must be, and the names of the rules that made it so."""
    used = []
    for name, function in RULES:
        changed = function(case, theirs, ours)
        if changed is not None and changed != theirs:
            used.append(name)
            theirs = changed
    return theirs, used


def refused(theirs, err):
    return theirs._replace(code=1, out=b"", err=err, sent=())


# ---- what the newer version changed ----

@rule("1.0.20250521: the usage line knows [+|-]")
def usage_of_signs(case, theirs, ours):
    old = b"[allowed-ips <ip1>/<cidr1>[,<ip2>/<cidr2>]...]"
    new = b"[allowed-ips [+|-]<ip1>/<cidr1>[,[+|-]<ip2>/<cidr2>]...]"
    return theirs._replace(err=theirs.err.replace(old, new))


@rule("the version says whose it is; its second word is the version of wireguard-tools that it replaces")
def version(case, theirs, ours):
    ours_is_one = re.fullmatch(rb"wireguard-tools v1\.0\.20\d{6} - wgsuite \d+\.\d+\.\d+\n", ours.out)
    if theirs.out.startswith(b"wireguard-tools v1.0.20210914 - ") and ours_is_one:
        return theirs._replace(out=ours.out)
    return None


@rule("1.0.20250521: allowed-ips can be added and removed one by one")
def signs(case, theirs, ours):
    if case.signs and theirs.code == 1:
        return theirs._replace(code=0, err=b"", sent=(case.sent,))
    return None


@rule("2023: the interface stands on every line of `wg show all endpoints`, not on the first only")
def all_endpoints(case, theirs, ours):
    if case.argv != ["show", "all", "endpoints"]:
        return None
    lines, name = [], b""
    for line in theirs.out.split(b"\n"):
        while line.partition(b"\t")[0].decode() in case.devices:
            name, _, line = line.partition(b"\t") # several when an interface has no peer
        if line:
            lines.append(name + b"\t" + line + b"\n")
    return theirs._replace(out=b"".join(lines))


@rule("1.0.20260223: a name of 16 letters or more is too long, and never another interface's first 15")
def long_name(case, theirs, ours):
    if len(case.argv) > 1 and len(case.argv[1]) > 15 and theirs.code == 1 and b"Unable to" in theirs.err:
        return theirs._replace(err=re.sub(rb": [^:\n]*\n$", b": File name too long\n", theirs.err))
    return None


# ---- bugs that hurt users ----

def masked(text):
    sign = "-" if text.startswith("-") else ""
    return sign + str(ipaddress.ip_network(text.lstrip("-"), strict=False))


def allowed_ip_masked(match):
    try:
        network = ipaddress.ip_network(match[2].decode(), strict=False)
    except ValueError:
        return match[0]
    return match[1] + model.print_prefix(network).encode()


@rule("host bits are cleared before anything is sent, as the kernel would; the warning stays")
def host_bits(case, theirs, ours):
    return theirs._replace(sent=tuple(re.sub(rb"(?m)^(allowed_ip=-?)(.*)$", allowed_ip_masked, s) for s in theirs.sent))


@rule("ports do not wrap: what is larger than 65535 is refused")
def large_port(case, theirs, ours):
    if not case.bad_port:
        return None
    sentence = f"Port is not 0-65535: `{case.bad_port}'\n".encode()
    if case.files:
        sentence += b"Configuration parsing error\n"
    return refused(theirs, sentence)


@rule("a count of more than 64 bits is a broken answer, not the largest count there is")
def large_count(case, theirs, ours):
    if case.kind != "broken":
        return None
    peers = case.devices["dt0"].partition(b"public_key=")[2]  # before the first peer the word means nothing
    if not any(int(n) >= 2**64 for n in re.findall(rb"(?m)^[rt]x_bytes=(\d+)$", peers)):
        return None
    name = b" dt0" if case.argv[1] == "all" else b""
    return refused(theirs, b"Unable to access interface%s: Protocol error\n" % name)._replace(sent=theirs.sent)


@rule("a daemon's answer is never looked up in the DNS: an endpoint in it is an address and a number")
def names_in_answers(case, theirs, ours):
    if case.kind != "broken":
        return None
    peers = case.devices["dt0"].partition(b"public_key=")[2]
    if not re.search(rb"(?m)^endpoint=(one\.example\.test:5|1\.2\.3\.4:domain)$", peers):
        return None
    name = b" dt0" if case.argv[1] == "all" else b""
    return refused(theirs, b"Unable to access interface%s: Protocol error\n" % name)._replace(sent=theirs.sent)


@rule("an empty file, most often a failed <(…), does not clear an interface unless told to")
def emptiness(case, theirs, ours):
    if case.kind != "empty" or case.argv[0] == "addconf" or case.argv[2] == "/dev/null" or theirs.code != 0:
        return None
    return refused(theirs, b"dt0.conf:1:1: error: The file says nothing\n"
                           b"  help: --allow-empty, or the file /dev/null, clears the interface\n")


KEY_LIKE = re.compile(rb"[A-Za-z0-9+/]{24}")


def hide(case, text):
    """The sentence without the value when that is a secret or may be one."""
    match = re.fullmatch(rb"(.*?): `(.*)'", text, re.S)
    if not match:
        return text
    why, value = match.groups()
    if why == b"Line unrecognized":
        return model.unrecognized(value)
    if why == b"Key is not the correct length or format" and holds_secret(case, value.decode("latin1")):
        return why
    return why if KEY_LIKE.search(value) else text


def holds_secret(case, value):
    """Whether the wrong key came from a key file or a line for secrets."""
    if case.argv[0] == "set":
        return value not in case.argv
    if not case.bad_line:
        return False
    line = case.files["dt0.conf"].split(b"\n")[case.bad_line - 1]
    key = re.sub(rb"\s", b"", line.partition(b"=")[0]).lower()
    return key in (b"privatekey", b"presharedkey")


@rule("no message shows a secret, or what may be one")
def no_secrets(case, theirs, ours):
    lines = theirs.err.split(b"\n")
    if theirs.code != 1 or not lines:
        return None
    return theirs._replace(err=b"\n".join(hide(case, line) for line in lines))


@rule("a name that does not resolve is reported with the peer it is the endpoint of")
def dead_name(case, theirs, ours):
    if case.bad_key:
        sentence = theirs.err.replace(b"\nConfiguration parsing error\n", b"")
        place = f"dt0.conf:{case.bad_line}: error: ".encode()
        return theirs._replace(err=place + sentence + f" (endpoint of peer {case.bad_key})\n".encode())
    match = re.fullmatch(rb"((?:Warning: [^\n]*\n)*)([A-Z][a-z ]+: `([^\n']*)')\n", theirs.err)
    if theirs.code != 1 or not match or case.argv[0] != "set" or match[3].decode() not in case.argv:
        return None
    peers = [case.argv[i + 1] for i, word in enumerate(case.argv) if word == "peer" and i + 1 < len(case.argv)]
    if not re.search(rb"resolution|not known|No address", match[2]) or match[3].startswith((b":", b"[]")):
        return None
    return theirs._replace(err=match[1] + match[2] + b" (endpoint of peer " + peers[-1].encode() + b")\n")


def located(case, sentence, ours):
    """Our whole message, if it is about this sentence at the right place, shows the right source and
    ends as it must; else null."""
    source = case.files[case.argv[2]].split(b"\n")
    shape = (rb"(?P<file>[^:\n]*):(?P<line>\d+):(?P<column>\d+): error: (?P<text>[^\n]*)\n"
             rb"(?:  (?P<source>[^\n]*)\n  (?P<caret> *\^~*)\n)?(?:  help: (?P<help>[^\n]+)\n)?")
    match = re.match(shape, ours.err)
    if not match or match["text"] != sentence or match["file"].decode() != case.argv[2]:
        return None
    number, column = int(match["line"]), int(match["column"])
    if number != (case.bad_line or number) or not 1 <= column <= len(source[number - 1]) + 1:
        return None
    if match["source"] is not None:
        shown = re.sub(rb"[\x00-\x1f\x7f]", lambda m: b" " if m[0] == b"\t" else b"?", source[number - 1])
        if match["source"] != shown or len(match["caret"].partition(b"^")[0]) != column - 1:
            return None
        if KEY_LIKE.search(match["source"]):
            return None
    rest = ours.err[match.end():]
    others = re.fullmatch(rb"(?:%s)*(?P<last>[^\n]+)\n" % re.sub(rb"\?P<\w+>", b"", shape), rest)
    return others and others["last"]


@rule("errors in files say file, line, column and what to do, and one closing line for all of them")
def places(case, theirs, ours):
    match = re.fullmatch(rb"([^\n]*)\n(Configuration parsing error|Invalid configuration)\n", theirs.err)
    if theirs.code != 1 or not match or case.argv[:1] == ["set"]:
        return None
    if located(case, match[1], ours) != b"Configuration parsing error":
        return None
    return theirs._replace(err=ours.err)


@rule("syncconf sends the difference only: what is not in the file stays or is cleared as the newer version does")
def difference(case, theirs, ours):
    if case.argv[:1] != ["syncconf"] or theirs.code != 0 or ours.code != 0:
        return None
    state = model.Device.from_reply(case.devices["dt0"])
    wanted = [s for s in theirs.sent if s.startswith(b"set")]
    if theirs.sent[:1] != (b"get=1\n\n",) and not wanted:
        return None
    lines = re.sub(rb"#.*|[ \t\v\f\r]", b"", case.files["dt0.conf"]).lower().split(b"\n")
    goal = model.sync_goal(state, wanted[0], {line.partition(b"=")[0].decode() for line in lines})
    reached = state.copy()
    for request in ours.sent:
        if request.startswith(b"set"):
            reached.apply(request)
    minimal = all(model.is_minimal(state, s) for s in ours.sent if s.startswith(b"set"))
    silent = goal != state or not any(s.startswith(b"set") for s in ours.sent)
    if reached != goal or not minimal or not silent:
        return None
    return theirs._replace(sent=ours.sent)
