"""The intended differences from wireguard-tools 1.0.20210914, each with its reason. No rule ignores anything: it converts
the result of wireguard-tools (theirs) into the exact result that wg (ours) must have, or leaves it unchanged. Positions in
error messages are checked against the file."""
import base64
import ipaddress
import os
import re

import model

newest = False  # whether the other wg is newer than 1.0.20210914
RULES = []
REASONS = {}


def rule(reason, only_old=False):
    def register(function):
        name = function.__name__.replace("_", "-")
        RULES.append((name, function, only_old))
        REASONS[name] = reason
        return function
    return register


def choose(version):
    """Removes the rules for differences of the old version, if the other wg is a newer one."""
    global newest
    newest = not version.startswith(b"wireguard-tools v1.0.20210914 ")
    if not newest:
        return
    for entry in [entry for entry in RULES if entry[2]]:
        RULES.remove(entry)
        del REASONS[entry[0]]


def expected(case, theirs, ours):
    """The result that wg must have, and the names of the rules that changed it."""
    used = []
    for name, function, _ in RULES:
        changed = function(case, theirs, ours)
        if changed is not None and changed != theirs:
            used.append(name)
            theirs = changed
    return theirs, used


def refused(theirs, err):
    return theirs._replace(code=1, out=b"", err=err, sent=())


# ---- changes in newer versions ----

@rule("1.0.20250521: the usage line has [+|-]", only_old=True)
def usage_of_signs(case, theirs, ours):
    old = b"[allowed-ips <ip1>/<cidr1>[,<ip2>/<cidr2>]...]"
    new = b"[allowed-ips [+|-]<ip1>/<cidr1>[,[+|-]<ip2>/<cidr2>]...]"
    return theirs._replace(err=theirs.err.replace(old, new))


@rule("the version names wgsuite; its second word is the version of wireguard-tools that it replaces")
def version(case, theirs, ours):
    ours_is_one = re.fullmatch(rb"wireguard-tools v1\.0\.20\d{6} - wgsuite \d+\.\d+\.\d+\n", ours.out)
    if theirs.out.startswith(b"wireguard-tools v1.0.20") and ours_is_one:
        return theirs._replace(out=ours.out)
    return None


@rule("1.0.20250521: single allowed IPs can be added and removed", only_old=True)
def signs(case, theirs, ours):
    if case.signs and theirs.code == 1:
        return theirs._replace(code=0, err=b"", sent=(case.sent,))
    return theirs._replace(err=re.sub(rb"(Unable to parse IP address: `)[+-]", rb"\1", theirs.err))


@rule("the commands that are not upstream's are listed after those that are")
def more_commands(case, theirs, ours):
    added = re.search(rb"\n  pubkey: [^\n]*\n((?:  (?:watch|ping|check): [^\n]*\n)+)", ours.out + ours.err)
    if not added:
        return None
    here = rb"(\n  pubkey: [^\n]*\n)"
    return theirs._replace(out=re.sub(here, lambda m: m[1] + added[1], theirs.out),
                           err=re.sub(here, lambda m: m[1] + added[1], theirs.err))


@rule("NO_COLOR turns colours off if WG_COLOR_MODE is not set")
def no_colour(case, theirs, ours):
    if not case.env.get("NO_COLOR") or "WG_COLOR_MODE" in case.env:
        return None
    return theirs._replace(out=re.sub(rb"\x1b\[[0-9]+m", b"", theirs.out))


@rule("2023: every line of `wg show all endpoints` begins with the interface, not only the first", only_old=True)
def all_endpoints(case, theirs, ours):
    if case.argv != ["show", "all", "endpoints"]:
        return None
    lines, name = [], b""
    for line in theirs.out.split(b"\n"):
        while line.partition(b"\t")[0].decode() in case.devices:
            name, _, line = line.partition(b"\t") # several if an interface has no peer
        if line:
            lines.append(name + b"\t" + line + b"\n")
    return theirs._replace(out=b"".join(lines))


@rule("1.0.20260223: a name of 16 characters or more is an error, and is not truncated to 15")
def long_name(case, theirs, ours):
    if len(case.argv) > 1 and len(case.argv[1]) > 15 and theirs.code == 1 and b"Unable to" in theirs.err:
        return theirs._replace(err=re.sub(rb": [^:\n]*\n$", b": File name too long\n", theirs.err))
    return None


# ---- faults of wireguard-tools ----

@rule("output that cannot be written is an error")
def lost_output(case, theirs, ours):
    why = {"full": b"No space left on device", "closed": b"Bad file descriptor"}.get(case.out)
    if not why or theirs.code != 0:
        return None
    return theirs._replace(code=1, err=theirs.err + b"wg: cannot write to standard output: " + why + b"\n")


def masked(text):
    sign = "-" if text.startswith("-") else ""
    return sign + str(ipaddress.ip_network(text.lstrip("-"), strict=False))


def allowed_ip_masked(match):
    try:
        network = ipaddress.ip_network(match[2].decode(), strict=False)
    except ValueError:
        return match[0]
    return match[1] + model.print_prefix(network).encode()


@rule("host bits are cleared before the request is sent, as the kernel does; the warning stays")
def host_bits(case, theirs, ours):
    return theirs._replace(sent=tuple(re.sub(rb"(?m)^(allowed_ip=-?)(.*)$", allowed_ip_masked, s) for s in theirs.sent))


@rule("a port larger than 65535 is an error and does not wrap")
def large_port(case, theirs, ours):
    if not case.bad_port:
        return None
    sentence = f"Port is not 0-65535: `{case.bad_port}'\n".encode()
    if case.files:
        sentence += b"Configuration parsing error\n"
    return refused(theirs, sentence)


def protocol_error(case, theirs):
    name = b" dt0" if case.argv[1] == "all" else b""
    return refused(theirs, b"Unable to access interface%s: Protocol error\n" % name)._replace(sent=theirs.sent)


def peer_lines(case):
    """The lines of a reply from the first peer on, before which most keys are ignored."""
    if case.kind != "broken" or case.argv[0] not in ("show", "showconf"):
        return b""
    return case.devices["dt0"].partition(b"public_key=")[2]


@rule("a counter, port or nanosecond value in a reply that is out of range is a protocol error")
def large_number(case, theirs, ours):
    limits = rb"(?:[rt]x_bytes=|(last_handshake_time_nsec=)|endpoint=[^\n]*:(?=\d+$))"
    for nanoseconds, port, n in re.findall(rb"(?m)^(?:[rt]x_bytes=|(last_handshake_time_nsec=)|(endpoint=[^\n]*:))(\d+)$", peer_lines(case)):
        if int(n) >= (10**9 if nanoseconds else 65536 if port else 2**64):
            return protocol_error(case, theirs)
    return None


@rule("an endpoint in a reply is an address and a number; names are not resolved")
def names_in_replies(case, theirs, ours):
    if re.search(rb"(?m)^endpoint=(one\.example\.test:5|1\.2\.3\.4:domain|::1:5)$", peer_lines(case)):
        return protocol_error(case, theirs)
    return None


@rule("host bits in replies are cleared")
def host_bits_shown(case, theirs, ours):
    if b"\nallowed_ip=1.2.3.4/24\n" in peer_lines(case):
        return theirs._replace(out=theirs.out.replace(b"1.2.3.4/24", b"1.2.3.0/24"))
    return None


@rule("the sign of the error number in a reply does not matter")
def sign_of_errno(case, theirs, ours):
    match = re.fullmatch(rb"errno=-?(\d+)\n\n", case.set_reply)
    if case.kind != "broken" or not match or int(match[1]) == 0 or theirs.code == 0:
        return None
    why = os.strerror(int(match[1])).encode()
    return theirs._replace(err=re.sub(rb"(Unable to [^:]*: )[^\n]*", lambda m: m[1] + why, theirs.err))


@rule("an interface whose daemon does not respond gets a help line")
def timed_out(case, theirs, ours):
    help_line = b"  help: the daemon of this interface does not respond; it may be stopped or overloaded\n"
    return theirs._replace(err=re.sub(rb"(Unable to [^:\n]*: Connection timed out\n)", rb"\1" + help_line, theirs.err))


@rule("a listen port that is in use gets a help line")
def port_in_use(case, theirs, ours):
    help_line = re.search(rb"\n(  help: choose another port, or stop the program that uses UDP port [1-9]\d*\n)", ours.err)
    if not help_line:
        return theirs
    error = b"Unable to modify interface: Address already in use\n"
    return theirs._replace(err=theirs.err.replace(error, error + help_line.group(1)))


@rule("an empty file, often from a failed <(…), does not clear an interface without --allow-empty")
def emptiness(case, theirs, ours):
    if case.kind != "empty" or theirs.code != 0:
        return None
    if case.argv[2] == "/": # a read error is reported
        return refused(theirs, b"wg: dt0: cannot read /: Is a directory\n")
    if case.argv[0] == "addconf" or case.argv[2] == "/dev/null":
        return None
    return refused(theirs, b"dt0.conf:1:1: error: the file is empty\n"
                           b"  help: to clear the interface, use --allow-empty or the file /dev/null\n")


KEY_LIKE = re.compile(rb"[A-Za-z0-9+/]{24}")


RESOLVER = re.compile(rb"[A-Z][a-z -]+(?:resolution|not known|No address[a-z ]*)")


def is_host(why, value):
    """Whether the value is a host name, which can be as long as a key but has no =, + or /."""
    return RESOLVER.fullmatch(why) and not re.search(rb"[=+/]", value)


def hide(case, text):
    """The message without the value if that is or may be a secret."""
    match = re.fullmatch(rb"(.*?): `(.*)'", text, re.S)
    if not match:
        return text
    why, value = match.groups()
    if why == b"Line unrecognized":
        return model.unrecognized(value)
    if why == b"Key is not the correct length or format" and holds_secret(case, value.decode()):
        return why
    return why if KEY_LIKE.search(re.sub(rb"\s", b"", value)) and not is_host(why, value) else text


def holds_secret(case, value):
    """Whether the invalid key came from a key file or from the line of a secret."""
    if case.argv[0] == "set":
        return value not in case.argv
    if not case.bad_line:
        return False
    line = case.files["dt0.conf"].split(b"\n")[case.bad_line - 1]
    key = re.sub(rb"\s", b"", line.partition(b"=")[0]).lower()
    return key in (b"privatekey", b"presharedkey")


@rule("no message contains a value that is or may be a secret")
def no_secrets(case, theirs, ours):
    match = re.fullmatch(rb"((?:Warning: [^\n]*\n)*)(.*?)((?:\n(?:Configuration parsing error|Invalid configuration))?\n)", theirs.err, re.S)
    if theirs.code != 1 or not match:
        return None
    one = re.fullmatch(rb"[^`\n]*: `[^`]*'", match[2]) # the value can have several lines
    lines = [match[2]] if one else match[2].split(b"\n")
    return theirs._replace(err=match[1] + b"\n".join(hide(case, line) for line in lines) + match[3])


@rule("a name that does not resolve is reported with its peer")
def unresolvable_name(case, theirs, ours):
    match = re.fullmatch(rb"((?:Warning: [^\n]*\n)*)(([^\n:]*): `([^\n']*)')\n(Configuration parsing error\n)?", theirs.err)
    if theirs.code != 1 or not match or not is_host(match[3], match[4]) or re.fullmatch(rb"(\[\])?:[^:]*", match[4]):
        return None
    key = case.bad_key
    if case.argv[0] == "set":
        key = [case.argv[i + 1] for i, word in enumerate(case.argv) if word == "peer" and i + 1 < len(case.argv)][-1]
    elif not key or case.bad_port:
        return None
    section = f"dt0.conf:{section_of(case)}: error: ".encode() if match[5] else b""
    return theirs._replace(err=match[1] + section + match[2] + b" (endpoint of peer " + key.encode() + b")\n" + (match[5] or b""))


def section_of(case):
    """The line of the section header of the peer."""
    lines = case.files["dt0.conf"].split(b"\n")
    at = max(i for i, line in enumerate(lines) if case.bad_key.encode() in re.sub(rb"\s", b"", line))
    return max(i for i, line in enumerate(lines[:at]) if b"[" in line) + 1


def located(case, sentence, ours):
    """The last line of standard error, if a message before it has this text, the right position and the right source line,
    and all messages are in order; else None."""
    source = case.files[case.argv[2]].split(b"\n")
    shape = (rb"(?P<file>[^:\n]*):(?P<line>\d+):(?P<column>\d+): error: (?P<text>[^\n]*)\n"
             rb"(?:  (?P<source>[^\n]*)\n  (?P<caret> *\^~*)\n)?(?:  help: (?P<help>[^\n]+)\n)?")
    whole = re.fullmatch(rb"(?:%s)+(?P<last>[^\n]+)\n" % re.sub(rb"\?P<\w+>", b"", shape), ours.err)
    messages = list(re.finditer(shape, ours.err))
    numbers = [int(m["line"]) for m in messages]
    match = next((m for m in messages if m["text"] == sentence), None)
    if not whole or numbers != sorted(numbers) or not match or match["file"].decode() != case.argv[2]:
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
    return whole["last"]


@rule("errors in files are reported with file, line, column and help")
def positions(case, theirs, ours):
    match = re.fullmatch(rb"([^\n]*)\n(Configuration parsing error|Invalid configuration)\n", theirs.err)
    if theirs.code != 1 or not match or case.argv[:1] == ["set"]:
        return None
    if located(case, match[1], ours) != match[2]:
        return None
    return theirs._replace(err=ours.err)


@rule("syncconf sends only the differences; settings that the file does not have stay or are cleared as in newer versions")
def difference(case, theirs, ours):
    if case.argv[:1] != ["syncconf"] or theirs.code != 0 or ours.code != 0:
        return None
    state = model.Device.from_reply(case.devices["dt0"])
    requests = [s for s in theirs.sent if s.startswith(b"set")]
    if theirs.sent[:1] != (b"get=1\n\n",) and not requests:
        return None
    lines = re.sub(rb"#.*|[ \t\v\f\r]", b"", case.files["dt0.conf"]).lower().split(b"\n")
    goal = model.sync_goal(state, requests[0], {line.partition(b"=")[0].decode() for line in lines})
    reached = state.copy()
    for request in ours.sent:
        if request.startswith(b"set"):
            reached.apply(request)
    minimal = all(model.is_minimal(state, s) for s in ours.sent if s.startswith(b"set"))
    silent = goal != state or not any(s.startswith(b"set") for s in ours.sent)
    if reached != goal or not minimal or not silent:
        return None
    return theirs._replace(sent=ours.sent)
