#!/usr/bin/python3
"""Runs `wg-quick check' over the tunnel files of a fleet before they are used."""
import json
import os
import re
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.wgsuite import run

DOCUMENTATION = r"""
module: wgsuite_check
short_description: Check the tunnel files of all hosts, also against each other
description:
  - Writes the files to a private temporary directory and runs C(wg-quick check) over all of them at once.
  - wg-quick recognizes both ends of a tunnel by their keys, which never leave their hosts. In the copies, each host therefore has a
    key pair that is made for the check and discarded, each preshared key is replaced by one that depends on the names of the pair only,
    and so what is compared is the same as in the originals.
options:
  interface: {type: str, required: true, description: Interface name.}
  files: {type: dict, required: true, description: Tunnel files by host.}
  public_keys: {type: dict, required: true, description: Public keys by host.}
  strict: {type: bool, default: true, description: Whether warnings are failures.}
  accepted: {type: list, elements: str, default: [], description: Warnings that are accepted, by their names.}
"""


def endpoints_twice(files):
    """One host and port that several peers of a file have."""
    found = []
    for host, text in files.items():
        seen, name = {}, None
        for line in text.splitlines():
            key, _, value = (part.strip() for part in line.partition("="))
            if key == "# Name":
                name = value
            elif key == "Endpoint":
                for endpoint in re.split(r"\s*,\s*", value.lower()):
                    if endpoint in seen:
                        found.append("%s: warning: %s and %s have the same endpoint, %s [endpoint-of-two-hosts]" % (host, seen[endpoint], name, endpoint))
                    seen[endpoint] = name
    return sorted(set(found))


class Copies:
    """Tunnel files with other keys, which are discarded."""

    def __init__(self, module, folder):
        self.module, self.folder = module, folder
        hosts = sorted(module.params["files"])
        script = "for i in $(seq %d); do k=$(wg genkey) && p=$(echo $k | wg pubkey) && echo $k $p || exit; done" % len(hosts)
        pairs = run(module, ["sh", "-c", script])[1].split("\n")
        self.private = {host: pair.split()[0] for host, pair in zip(hosts, pairs)}
        self.public = {module.params["public_keys"][host]: pair.split()[1] for host, pair in zip(hosts, pairs)}
        self.base = run(module, ["wg", "genpsk"])[1].strip()
        self.pairs = {}

    def preshared(self, host, peer):
        """The same for both ends, another one for each pair: its first characters are replaced by a number."""
        pair = "%s %s" % tuple(sorted((host, peer)))
        number = self.pairs.setdefault(pair, len(self.pairs))
        return "%08d" % number + self.base[8:]

    def write(self):
        names = []
        for host, text in self.module.params["files"].items():
            name = os.path.join(host, self.module.params["interface"] + ".conf")
            os.mkdir(os.path.join(self.folder, host), 0o700)
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write("\n".join(self.line(host, line) for line in text.splitlines()) + "\n")
            names.append("./" + name)
        return names

    def line(self, host, line):
        key, _, value = (part.strip() for part in line.partition("="))
        if key == "PrivateKeyFile":
            return "PrivateKey = " + self.private[host]
        if key == "PublicKey":
            return "PublicKey = " + self.public.get(value, value)
        if key == "PresharedKeyFile":
            return "PresharedKey = " + self.preshared(host, os.path.basename(value))
        return line


def main():
    module = AnsibleModule(
        argument_spec=dict(
            interface=dict(type="str", required=True),
            files=dict(type="dict", required=True),
            public_keys=dict(type="dict", required=True, no_log=False),
            strict=dict(type="bool", default=True),
            accepted=dict(type="list", elements="str", default=[]),
        ),
        supports_check_mode=True,
    )
    folder = tempfile.mkdtemp(prefix="wgsuite-check-")
    try:
        names = Copies(module, folder).write()
        out = run(module, ["wg-quick", "check", "--format=json"] + names, check=False, cwd=folder)[1]
    finally:
        shutil.rmtree(folder)
    try:
        findings = json.loads(out)["findings"]
    except ValueError:
        module.fail_json(msg="wg-quick check: " + out)
    texts, errors = [], 0
    for f in findings:
        if f["severity"] == "note" or f["id"] in module.params["accepted"]:
            continue
        errors += f["severity"] == "error"
        texts.append("%s:%d:%d: %s: %s [%s]" % (f["file"][2:], f["line"], f["column"], f["severity"], f["message"], f["id"]))
    if "endpoint-of-two-hosts" not in module.params["accepted"]:
        texts += endpoints_twice(module.params["files"])
    if errors or (texts and module.params["strict"]):
        module.fail_json(msg="\n".join(["the tunnel files have mistakes, and no host was changed:"] + texts), findings=texts)
    module.exit_json(changed=False, files=len(names), findings=texts)


if __name__ == "__main__":
    main()
