#!/usr/bin/python3
"""Keys of a tunnel, which are made on the host that uses them."""
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.wgsuite import NAME, Paths, digest, key_inside, known_peers, read, run, write_private

DOCUMENTATION = r"""
module: wgsuite_keys
short_description: Make the keys of a WireGuard tunnel on the host that uses them
description:
  - Makes the private key of the tunnel, and the preshared keys that this host makes for pairs of hosts, unless they exist. The private
    key of a tunnel file that was there before is copied into a key file.
  - Returns the public key, digests of the preshared keys, and the public keys of the peers that the tunnel file has.
  - In check mode, the public key is that of a key pair that is discarded.
options:
  interface: {type: str, required: true, description: Interface name.}
  directory: {type: path, default: /etc/wireguard, description: Directory of tunnel files.}
  next: {type: bool, default: false, description: Also make the key that follows the present one.}
  resume: {type: bool, default: false, description: Return that key if it exists.}
  peers: {type: list, elements: str, default: [], description: Peers of whose preshared keys digests are returned.}
  make: {type: list, elements: str, default: [], description: Peers with which this host shares a preshared key that it makes.}
  renew: {type: list, elements: str, default: [], description: Those of them with which it makes another one.}
  send: {type: list, elements: str, default: [], description: Peers whose preshared key is returned. The task needs no_log.}
  receive: {type: dict, default: {}, description: Preshared keys by peer that another host made.}
"""


def private_key(module, path, present=None):
    """Returns the public key of the file, which is made if it does not exist, of the present key or of another one, and whether it was made."""
    key = read(path)
    made = key is None
    if made:
        key = present + "\n" if present else run(module, ["wg", "genkey"])[1]
        if not module.check_mode:
            write_private(path, key)
    return run(module, ["wg", "pubkey"], data=key)[1].strip(), made


def preshared_keys(module, paths):
    """Makes and receives; returns whether anything changed."""
    changed = False
    for peer in module.params["make"]:
        path = paths.preshared_key(peer)
        if read(path) is None or peer in module.params["renew"]:
            changed = True
            if not module.check_mode:
                write_private(path, run(module, ["wg", "genpsk"])[1])
    for peer, key in module.params["receive"].items():
        path = paths.preshared_key(peer)
        if (read(path) or "").strip() != key.strip():
            changed = True
            if not module.check_mode:
                write_private(path, key.strip() + "\n")
    return changed


def main():
    names = dict(type="list", elements="str", default=[])
    module = AnsibleModule(
        argument_spec=dict(
            interface=dict(type="str", required=True),
            directory=dict(type="path", default="/etc/wireguard"),
            next=dict(type="bool", default=False),
            resume=dict(type="bool", default=False),
            peers=dict(names),
            make=dict(names),
            renew=dict(names),
            send=dict(names),
            receive=dict(type="dict", default={}, no_log=True),
        ),
        supports_check_mode=True,
    )
    p = module.params
    for peer in p["peers"] + p["make"] + list(p["receive"]):
        if not NAME.match(peer):
            module.fail_json(msg="the host name `%s' cannot be the name of a file" % peer)
    paths = Paths(p["directory"], p["interface"])
    if p["send"]:
        module.exit_json(changed=False, preshared={peer: read(paths.preshared_key(peer)) for peer in p["send"]})
    changed = preshared_keys(module, paths)
    if p["receive"]:
        module.exit_json(changed=changed)
    tunnel = read(paths.tunnel)
    public, made = private_key(module, paths.key, key_inside(tunnel))
    result = dict(public_key=public, known=known_peers(tunnel), next_pending=read(paths.next_key) is not None)
    if p["next"] or (p["resume"] and result["next_pending"]):
        result["next_public_key"], made_next = private_key(module, paths.next_key)
        made = made or made_next
    result["digests"] = {peer: digest(key) for peer in p["peers"] for key in [read(paths.preshared_key(peer))] if key}
    module.exit_json(changed=changed or made, **result)


if __name__ == "__main__":
    main()
