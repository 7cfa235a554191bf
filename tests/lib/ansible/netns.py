"""Connection of Ansible to a test host, in namespaces of the process that the variable netns_pid names."""
import os
import subprocess

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
    name: netns
    short_description: execute in the namespaces of a process
    description: [Of its mounts, network and processes.]
    extends_documentation_fragment: [connection_pipelining]
    options:
      pid: {description: The process, vars: [{name: netns_pid}], required: true, type: str}
      log: {description: A file that gets a line for each new connection, vars: [{name: netns_log}], type: path}
      cut: {description: No new connection is possible while this file exists, vars: [{name: netns_cut}], type: path}
"""


class Connection(Local):
    transport = "netns"

    def exec_command(self, cmd, in_data=None, sudoable=True):
        if self.is_cut():
            raise AnsibleConnectionFailure("no new connection")
        done = subprocess.run(["nsenter", "-t", self.get_option("pid"), "-m", "-n", "-p", "-r", "-w", "--", "/bin/sh", "-c", cmd],
                              input=in_data or b"", capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path, out_path):
        raise NotImplementedError("modules and their arguments must not be written to files: " + out_path)

    def is_cut(self):
        return bool(self.get_option("cut")) and os.path.exists(self.get_option("cut") + ".closed")

    def reset(self):
        if self.get_option("cut") and os.path.exists(self.get_option("cut")):
            os.rename(self.get_option("cut"), self.get_option("cut") + ".closed")
        if self.get_option("log"):
            with open(self.get_option("log"), "a", encoding="utf-8") as file:
                file.write("new connection\n")
