"""Filters of the role wgsuite: from what the inventory says of the hosts to the peers of each."""
import ipaddress
import re

from ansible.errors import AnsibleFilterError

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
INTERFACE = re.compile(r"^[A-Za-z0-9_=+.-]{1,15}$")
SECRET = re.compile(r"^\s*(private|preshared)key\s*$", re.IGNORECASE)


def as_list(value):
    if not value:
        return []
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else list(value)


def number(variables, name, variable, default, least, most):
    value = variables.get(variable)
    try:
        value = default if value in (None, "") else int(value)
        if least <= value <= most:
            return value
    except (TypeError, ValueError):
        pass
    raise AnsibleFilterError("%s: %s: `%s' is not a number from %d to %d" % (name, variable, value, least, most))


def options_of(name, variable, options):
    """Further keys of a section. Tunnel files are displayed, so they cannot have secrets."""
    if not isinstance(options or {}, dict):
        raise AnsibleFilterError("%s: %s: not a dictionary of keys and values" % (name, variable))
    for key, values in (options or {}).items():
        if SECRET.match(str(key)):
            raise AnsibleFilterError("%s: %s: %s would be displayed: use %sFile" % (name, variable, key, key.strip()))
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, bool):
                raise AnsibleFilterError("%s: %s: put the value of %s into quotation marks: YAML reads it as %s" % (name, variable, key, value))
    return options or {}


def describe(variables, name):
    """What others need to know of a host, from its variables. No secrets."""
    get = variables.get
    if not NAME.match(name):
        raise AnsibleFilterError("the host name `%s' cannot be the name of a peer" % name)
    try:
        addresses = [ipaddress.ip_interface(a) for a in as_list(get("wgsuite_address"))]
        networks = [str(ipaddress.ip_network(n)) for n in as_list(get("wgsuite_networks"))]
        routes = [str(ipaddress.ip_network(n)) for n in as_list(get("wgsuite_hub_routes"))]
    except ValueError as error:
        raise AnsibleFilterError("%s: %s" % (name, error)) from error
    if not addresses:
        raise AnsibleFilterError("%s: wgsuite_address is not set" % name)
    endpoint = get("wgsuite_endpoint") or ""
    host = dict(
        name=name,
        state=get("wgsuite_state") or "present",
        addresses=[str(a) for a in addresses],
        own=[str(ipaddress.ip_network(a.ip)) for a in addresses],
        around=[str(a.network) for a in addresses],
        networks=networks,
        routes=routes,
        endpoint=str(endpoint),
        port=number(variables, name, "wgsuite_port", 51820, 1, 65535),
        rotation_port=number(variables, name, "wgsuite_rotation_port", 51821, 1, 65535),
        keepalive=number(variables, name, "wgsuite_keepalive", 0 if endpoint else 25, 0, 65535),
        options=options_of(name, "wgsuite_peer_options", get("wgsuite_peer_options")),
    )
    endpoint_of(host, False)
    return host


def endpoint_of(host, following):
    """HOST, ADDRESS or HOST:PORT with the port of this tunnel or of the one during a rotation."""
    text = host["endpoint"]
    if not text:
        return ""
    port = host["port"]
    try:
        ip = ipaddress.ip_address(text.strip("[]"))
        name = "[%s]" % ip if ip.version == 6 else str(ip)
    except ValueError:
        name, colon, given = text.rpartition(":")
        if not colon:
            name = text
        elif name and given.isdigit() and 0 < int(given) < 65536:
            port = int(given)
        else:
            raise AnsibleFilterError("%s: wgsuite_endpoint: `%s' is neither HOST nor HOST:PORT" % (host["name"], text)) from None
    return "%s:%d" % (name, host["rotation_port"] if following else port)


def mistakes(settings, name, group, hostvars):
    """What is wrong with the variables of a host, and of those that it has tunnels with."""
    found = []

    def attempt(function, *arguments):
        try:
            function(*arguments)
        except AnsibleFilterError as error:
            found.append(str(error))

    attempt(describe, settings, name)
    attempt(options_of, name, "wgsuite_interface_options", settings["wgsuite_interface_options"])
    others = settings["wgsuite_external_peers"] or []
    if not isinstance(others, list) or not all(isinstance(peer, dict) for peer in others):
        found.append("%s: wgsuite_external_peers: not a list of dictionaries" % name)
        others = []
    for peer in others:
        attempt(external, peer)
        if peer.get("name") in group:
            found.append("%s: wgsuite_external_peers: `%s' is a host of the inventory" % (name, peer["name"]))
    rotated = as_list(settings["wgsuite_rotate_keys"])
    for interface in [settings["wgsuite_interface"]] + ([settings["wgsuite_rotation_interface"]] if rotated else []):
        if not INTERFACE.match(interface):
            found.append("%s: `%s' cannot be the name of an interface" % (name, interface))
    for other in rotated + as_list(settings["wgsuite_rotate_preshared_keys"]):
        if other != "all" and other not in group:
            found.append("keys of `%s' cannot be rotated: no host of the group has this name" % other)
    for other in partners(name, group, settings["wgsuite_hub"], hostvars) if not found else []:
        attempt(described, hostvars, other)
    return found


def partners(name, group, hub, hostvars):
    """The names of the hosts with which this one has a tunnel."""
    if hub and hub not in group:
        raise AnsibleFilterError("wgsuite_hub: no host of the group is `%s'" % hub)
    others = [hub] if hub and name != hub else [other for other in group if other != name]
    return [other for other in others if (hostvars[other].get("wgsuite_state") or "present") == "present"]


def maker(a, b):
    """Which host of a pair makes its preshared key."""
    return min(a, b)


def makes(others, name):
    return [other for other in others if maker(name, other) == name]


def described(hostvars, name):
    variables = hostvars[name]
    found = variables.get("wgsuite_description")
    return found if found else describe(variables, name)


def peers(settings, hostvars):
    """The peers of a host. settings: name, partners, hub, play (hosts of this run), known (public keys of the tunnel file), preshared (whether
    pairs have such keys), digests (of the preshared keys that this host has), external (other peers), next (for a rotation)."""
    name, hub, following = settings["name"], settings["hub"], settings.get("next", False)
    play, known = set(settings["play"]), settings["known"]
    me = described(hostvars, name)
    result = []
    for other in settings["partners"]:
        host = described(hostvars, other)
        present = other in play
        key = host.get("next_public_key" if following else "public_key") or (host.get("public_key") if present else known.get(other))
        if not key:
            continue
        allowed = host["own"] + host["networks"]
        if other == hub:
            allowed = host["routes"] or host["around"] + host["networks"]
        endpoint = endpoint_of(host, following)
        result.append(dict(
            name=other,
            public_key=key,
            preshared=settings["preshared"] and (present or other in settings["digests"]),
            allowed_ips=list(dict.fromkeys(allowed)),
            endpoint=endpoint,
            keepalive=(25 if following else me["keepalive"]) if endpoint else 0,
            options=host["options"],
            managed=True,
        ))
    if not following:
        result += [external(peer) for peer in settings["external"] or []]
    return result


def with_next_keys(peer_list, hostvars):
    """The same peers after the rotation."""
    return [dict(peer, public_key=described(hostvars, peer["name"]).get("next_public_key") or peer["public_key"]) if peer["managed"] else peer
            for peer in peer_list]


def external(peer):
    """A peer that is not in the inventory, such as a telephone."""
    name = peer.get("name", "?")
    for key in ("name", "public_key", "allowed_ips"):
        if not peer.get(key):
            raise AnsibleFilterError("wgsuite_external_peers: %s: %s is missing" % (name, key))
    return dict(
        name=peer["name"],
        public_key=peer["public_key"],
        preshared=False,
        allowed_ips=as_list(peer["allowed_ips"]),
        endpoint=peer.get("endpoint", ""),
        keepalive=number(peer, name, "keepalive", 0, 0, 65535),
        options=options_of(name, "wgsuite_external_peers", peer.get("options")),
        managed=False,
    )


def has_default_route(peer_list):
    return any(ipaddress.ip_network(ip, strict=False).prefixlen == 0 for peer in peer_list for ip in peer["allowed_ips"])


def named(names, name):
    """Whether a list of names, or `all', has this host."""
    return bool({"all", name} & set(as_list(names)))


def renewed(others, name, names):
    """The preshared keys that this host replaces: of pairs of which one host is in the list."""
    return [other for other in makes(others, name) if named(names, name) or named(names, other)]


def differing(others, hostvars, name, play):
    """The hosts of this run that do not have the same preshared key for the pair as this host."""
    mine = hostvars[name]["wgsuite_digests"]
    result = []
    for other in others:
        theirs = hostvars[other].get("wgsuite_digests") if other in play else None
        if theirs is not None and theirs.get(name) != mine.get(other):
            result.append(other)
    return result


def received(others, hostvars, name):
    """What these hosts have sent to this one, by their names."""
    sent = {other: (hostvars[other].get("wgsuite_sent") or {}).get("preshared", {}).get(name) for other in others}
    return {other: key for other, key in sent.items() if key}


def files(play, hostvars, which):
    """The tunnel files of the hosts of this run that are present, by name."""
    found = {name: hostvars[name].get(which) for name in play if described(hostvars, name)["state"] == "present"}
    return {name: text for name, text in found.items() if text}


def public_keys(play, hostvars, which):
    return {name: described(hostvars, name).get(which) for name in play if described(hostvars, name).get(which)}


def not_in_play(group, play, hostvars):
    """The present hosts of the group that this run does not reach."""
    return [name for name in group if name not in play and described(hostvars, name)["state"] == "present"]


def sessions(peer_list, play):
    """Public keys by name of the peers that this run reaches."""
    return {peer["name"]: peer["public_key"] for peer in peer_list if peer["managed"] and peer["name"] in play}


class FilterModule:
    def filters(self):
        functions = (describe, partners, makes, named, renewed, peers, with_next_keys, has_default_route, differing, received, files, public_keys, not_in_play,
                     sessions, mistakes)
        return {"wgsuite_" + function.__name__: function for function in functions}
