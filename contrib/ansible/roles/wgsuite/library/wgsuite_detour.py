#!/usr/bin/python3
"""Leads the traffic of a tunnel through another one with the same peers."""
import os
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.wgsuite import run, tighten

DOCUMENTATION = r"""
module: wgsuite_detour
short_description: Lead the traffic of a tunnel through another one
description:
  - A policy rule lets the kernel use the routes of the other tunnel first. Adding and removing it loses no packet.
  - Ends what C(detour_of) of M(wgsuite_tunnel) has begun.
options:
  interface: {type: str, required: true, description: The tunnel.}
  through: {type: str, required: true, description: The other one.}
  table: {type: int, required: true, description: Routing table of the other one.}
  priority: {type: int, required: true, description: Priority of the rules.}
  state: {type: str, choices: [present, absent], default: present, description: Whether traffic takes the other tunnel.}
  peers: {type: dict, default: {}, description: "Public keys by name of peers with which the tunnel that traffic is to take must have had a handshake before."}
  initiate: {type: list, elements: str, default: [], description: Public keys of the peers with which this host begins.}
  timeout: {type: int, default: 30, description: Seconds to wait for handshakes.}
"""


def has_rule(module, family):
    """Others may have a rule of the same priority."""
    p = module.params
    return bool(run(module, ["ip", family, "rule", "show", "priority", str(p["priority"]), "table", str(p["table"])])[1])


def set_rule(module, family):
    p = module.params
    present = has_rule(module, family)
    if p["state"] == "present":
        if present or not run(module, ["ip", family, "route", "show", "table", str(p["table"])], check=False)[1]:
            return False
        verb = "add"
    elif present:
        verb = "delete"
    else:
        return False
    run(module, ["ip", family, "rule", verb, "priority", str(p["priority"]), "table", str(p["table"])])
    return True


def without_handshake(module, interface):
    out = run(module, ["wg", "show", interface, "latest-handshakes"])[1]
    done = {line.split()[0] for line in out.splitlines() if line.split()[1] != "0"}
    return sorted(name for name, key in module.params["peers"].items() if key not in done)


def wait(module, interface):
    p = module.params
    for key in p["initiate"]:
        run(module, ["wg", "ping", interface, key, "-c", "1"], check=False)
    end = time.monotonic() + p["timeout"]
    while True:
        names = without_handshake(module, interface)
        if not names:
            return
        if time.monotonic() > end:
            module.fail_json(msg="%s: no handshake within %d seconds with %s" % (interface, p["timeout"], ", ".join(names)))
        time.sleep(0.2)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            interface=dict(type="str", required=True),
            through=dict(type="str", required=True),
            table=dict(type="int", required=True),
            priority=dict(type="int", required=True),
            state=dict(type="str", choices=["present", "absent"], default="present"),
            peers=dict(type="dict", default={}),
            initiate=dict(type="list", elements="str", default=[]),
            timeout=dict(type="int", default=30),
        ),
    )
    p = module.params
    wait(module, p["through"] if p["state"] == "present" else p["interface"])
    families = ["-4"] + (["-6"] if os.path.exists("/proc/net/if_inet6") else [])
    changed = [set_rule(module, family) for family in families]
    if p["state"] == "absent":
        tighten(p["interface"])
    module.exit_json(changed=any(changed))


if __name__ == "__main__":
    main()
