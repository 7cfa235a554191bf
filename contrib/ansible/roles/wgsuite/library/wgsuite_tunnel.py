#!/usr/bin/python3
"""A tunnel file, and the tunnel as the file is."""
import os
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.wgsuite import Paths, loosen, read, remove, run, without_secrets, write_private

DOCUMENTATION = r"""
module: wgsuite_tunnel
short_description: Write a tunnel file and bring the tunnel up or reload it
description:
  - Brings the tunnel up, or applies only what differs with C(wg-quick reload). If that fails, the file is as it was before.
  - In check mode, the commands that would be run are part of the diff.
options:
  interface: {type: str, required: true, description: Interface name.}
  directory: {type: path, default: /etc/wireguard, description: Directory of tunnel files.}
  state: {type: str, choices: [present, absent], default: present, description: Whether there is a tunnel.}
  content: {type: str, description: The tunnel file. It contains no secrets.}
  confirm: {type: int, default: 0, description: After how many seconds the change is rolled back unless it is confirmed; 0 is never.}
  promote: {type: bool, default: false, description: The next private key becomes the present one.}
  preshared: {type: list, elements: str, description: Peers whose preshared keys stay; files of others are removed.}
  enable: {type: bool, default: true, description: Whether systemd starts the tunnel at boot.}
  detour_of: {type: str, description: The tunnel whose traffic is to take this one. Packets to and from a peer may take different ones.}
  discard_next: {type: str, description: With C(absent) also remove the file of the next key of this interface.}
  purge: {type: bool, default: false, description: With C(absent) also remove the keys.}
"""

UP, NOT_UP = 0, 3
SYSTEMD = "/run/systemd/system"


class Tunnel:
    def __init__(self, module):
        p = self.p = module.params
        self.module, self.paths = module, Paths(p["directory"], p["interface"])
        self.unit = "wg-quick@%s.service" % p["interface"]
        self.systemd = p["enable"] and os.path.isdir(SYSTEMD)
        self.result = dict(changed=False, unconfirmed=False, diff=[])

    def quick(self, *words, **options):
        return run(self.module, ["wg-quick"] + list(words), **options)

    def is_up(self):
        return self.quick("status", self.p["interface"], check=False)[0] == UP

    def did(self):
        self.result["changed"] = True

    def show(self, title, text):
        if text:
            self.result["diff"].append(dict(prepared="%s:\n%s" % (title, without_secrets(text.rstrip("\n")))))

    def show_file(self, old, new):
        if old != new:
            self.did()
            self.result["diff"].append(dict(before=without_secrets(old), after=without_secrets(new), before_header=self.paths.tunnel, after_header=self.paths.tunnel))

    # ---- present ----

    def preview(self, up):
        """What would be done. The keys may not exist yet; then the commands are unknown."""
        folder = tempfile.mkdtemp(prefix="wgsuite-preview-")
        path = os.path.join(folder, self.p["interface"] + ".conf")
        try:
            write_private(path, self.p["content"])
            code, out, _ = self.quick(*(["diff"] if up else ["up", "--dry-run"]), path, check=False)
        finally:
            shutil.rmtree(folder)
        if code == 0 and out:
            self.did()
            self.show("commands", out)
        if not up:
            self.did()

    def apply(self, up):
        difference = self.quick("diff", self.p["interface"])[1] if up else ""
        if up and not difference:
            return
        self.did()
        confirm = ["--confirm", str(self.p["confirm"])] if self.p["confirm"] > 0 else []
        if up:
            self.show("commands", difference)
            self.messages(self.quick("reload", *confirm, self.p["interface"])[2])
        elif self.systemd:
            self.start(confirm)
        else:
            out = self.quick("up", *confirm, self.p["interface"])[2]
            self.show("commands", "\n".join(line for line in out.splitlines() if line.startswith("[#]")))
            self.messages(out)
        self.result["unconfirmed"] = bool(confirm)

    def start(self, confirm):
        """By systemd, so that it knows the tunnel. A drop-in for this start only has the option."""
        folder = "/run/systemd/system/%s.d" % self.unit
        drop_in = os.path.join(folder, "ansible-confirm.conf")
        wg_quick = self.module.get_bin_path("wg-quick", required=True)
        try:
            if confirm:
                os.makedirs(folder, exist_ok=True)
                with open(drop_in, "w", encoding="utf-8") as file:
                    file.write("[Service]\nExecStart=\nExecStart=%s up %s %%i\n" % (wg_quick, " ".join(confirm)))
                run(self.module, ["systemctl", "daemon-reload"])
            run(self.module, ["systemctl", "restart", self.unit])
        finally:
            if confirm and remove(drop_in):
                run(self.module, ["systemctl", "daemon-reload"])

    def messages(self, text):
        for line in text.splitlines():
            if ": warning: " in line and "is rolled back in" not in line:
                self.module.warn(line)

    def present(self):
        old, up = read(self.paths.tunnel), self.is_up()
        self.show_file(old, self.p["content"])
        if self.module.check_mode:
            self.preview(up)
            return
        old_key = read(self.paths.key)
        if self.p["promote"]:
            self.promote(old_key)
        if self.result["changed"]:
            write_private(self.paths.tunnel, self.p["content"])
        try:
            self.apply(up)
        except SystemExit: # of fail_json()
            if old is None:
                remove(self.paths.tunnel)
            else:
                write_private(self.paths.tunnel, old)
            if self.p["promote"] and old_key:
                write_private(self.paths.key, old_key)
            raise
        if self.p["detour_of"] and loosen(self.p["detour_of"], self.p["interface"]):
            self.did()
        self.enable()
        if self.p["preshared"] is not None:
            self.remove_preshared(self.p["preshared"])

    def promote(self, old_key):
        key = read(self.paths.next_key)
        if key and key != old_key:
            self.did()
            write_private(self.paths.key, key)

    def is_enabled(self):
        return self.systemd and run(self.module, ["systemctl", "is-enabled", "--quiet", self.unit], check=False)[0] == 0

    def enable(self):
        if self.systemd and not self.is_enabled():
            self.did()
            run(self.module, ["systemctl", "enable", "--quiet", self.unit])

    def remove_preshared(self, keep):
        for peer in os.listdir(self.paths.preshared) if os.path.isdir(self.paths.preshared) else []:
            if peer not in keep and remove(self.paths.preshared_key(peer)):
                self.did()

    # ---- absent ----

    def absent(self):
        if self.is_up() or self.is_enabled():
            self.did()
            if not self.module.check_mode:
                if self.systemd:
                    run(self.module, ["systemctl", "disable", "--now", "--quiet", self.unit], check=False)
                if self.is_up():
                    self.quick("down", self.p["interface"])
        self.show_file(read(self.paths.tunnel), None)
        names = [self.paths.tunnel] + ([self.paths.key, self.paths.next_key] if self.p["purge"] else [])
        if self.p["discard_next"]:
            names.append(Paths(self.p["directory"], self.p["discard_next"]).next_key)
        for path in names:
            if os.path.exists(path):
                self.did()
                if not self.module.check_mode:
                    remove(path)
        if self.p["purge"] and os.path.isdir(self.paths.preshared):
            self.did()
            if not self.module.check_mode:
                shutil.rmtree(self.paths.preshared)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            interface=dict(type="str", required=True),
            directory=dict(type="path", default="/etc/wireguard"),
            state=dict(type="str", choices=["present", "absent"], default="present"),
            content=dict(type="str"),
            confirm=dict(type="int", default=0),
            promote=dict(type="bool", default=False),
            preshared=dict(type="list", elements="str", no_log=False),
            enable=dict(type="bool", default=True),
            detour_of=dict(type="str"),
            discard_next=dict(type="str"),
            purge=dict(type="bool", default=False),
        ),
        required_if=[("state", "present", ["content"])],
        supports_check_mode=True,
    )
    tunnel = Tunnel(module)
    if module.params["state"] == "present":
        tunnel.present()
    else:
        tunnel.absent()
    module.exit_json(**tunnel.result)


if __name__ == "__main__":
    main()
