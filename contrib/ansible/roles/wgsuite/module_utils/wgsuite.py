"""What the modules of the role wgsuite have in common: commands, private files, tunnel files."""
import hashlib
import os
import re
import tempfile

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


class Paths:
    """Files of a tunnel in its folder."""

    def __init__(self, directory, interface):
        self.directory = directory
        self.tunnel = os.path.join(directory, interface + ".conf")
        self.key = os.path.join(directory, interface + ".key")
        self.next_key = self.key + ".next"
        self.preshared = os.path.join(directory, interface + ".psk")

    def preshared_key(self, peer):
        return os.path.join(self.preshared, peer)


def run(module, words, data=None, check=True, cwd=None):
    """Runs a command; fails with its messages, of which the trace of wg-quick is no part."""
    code, out, err = module.run_command(words, data=data, cwd=cwd)
    if check and code != 0:
        text = "\n".join(line for line in (err + out).splitlines() if not line.startswith("[#]"))
        module.fail_json(msg="%s: %s" % (" ".join(words), without_secrets(text.strip())), rc=code)
    return code, out, err


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def write_private(path, text):
    """Replaces the file atomically. Only its owner can read it, from the first moment on."""
    folder = os.path.dirname(path)
    umask = os.umask(0o077) # also for the folders above
    os.makedirs(folder, exist_ok=True)
    os.umask(umask)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".ansible-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def remove(path):
    try:
        os.unlink(path)
        return True
    except FileNotFoundError:
        return False


def digest(secret):
    """Tells whether two hosts have the same random key of 256 bits, without the key."""
    return hashlib.sha256(b"wgsuite preshared key " + secret.strip().encode()).hexdigest()


def known_peers(text):
    """The public keys of the peers in a tunnel file, by the names in its comments."""
    known, name = {}, None
    for line in (text or "").splitlines():
        if line.strip() == "[Peer]":
            name = None
        found = re.match(r"\s*#\s*Name\s*=\s*(\S+)\s*$", line)
        if found:
            name = found.group(1)
        found = re.match(r"\s*PublicKey\s*=\s*(\S+)\s*$", line)
        if found and name:
            known[name] = found.group(1)
    return known


def key_inside(text):
    """The private key that a tunnel file contains, if it was not written by this role."""
    found = re.search(r"^\s*PrivateKey\s*=\s*([A-Za-z0-9+/]{43}=)", text or "", re.IGNORECASE | re.MULTILINE)
    return found.group(1) if found else None


# Words of 44 characters, and longer ones such as those of certificates.
KEY = re.compile(r"(^[ \t]*#*[ \t]*PublicKey[ \t]*=[ \t]*|\bpeer[ \t]+)?([A-Za-z0-9+/]{43,}=)", re.IGNORECASE | re.MULTILINE)


def without_secrets(text):
    """To be displayed: a tunnel file that was not written by this role may contain keys, also in its hooks. Public keys are those in
    the place of one: the value of PublicKey, and the word after `peer' in commands of wg."""
    text = re.sub(r"^(\s*#*\s*(?:PrivateKey|PresharedKey)\s*=\s*).*$", r"\1(not displayed)", text or "", flags=re.IGNORECASE | re.MULTILINE)
    return KEY.sub(lambda found: found.group(0) if found.group(1) and len(found.group(2)) == 44 else (found.group(1) or "") + "(not displayed)", text)


# ---- filtering of source addresses ----
# While packets to a peer take one tunnel and those from it another one, strict filtering (rp_filter = 1) drops them. On all hosts it must
# be loose (2) before the traffic of any takes the other tunnel.

RP_FILTER = "/proc/sys/net/ipv4/conf/%s/rp_filter"
STRICT, LOOSE = 1, 2
SAVED = "/run/wgsuite-ansible/%s.rp_filter"


def write_setting(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def loosen(interface, through):
    """Returns whether anything changed."""
    saved, changed = SAVED % interface, False
    everywhere = int(read(RP_FILTER % "all"))
    for name in (interface, through):
        mode = int(read(RP_FILTER % name))
        if max(everywhere, mode) == STRICT:
            changed = True
            if name == interface and not os.path.exists(saved):
                os.makedirs(os.path.dirname(saved), mode=0o700, exist_ok=True)
                write_setting(saved, str(mode))
            write_setting(RP_FILTER % name, str(LOOSE))
    return changed


def tighten(interface):
    saved = read(SAVED % interface)
    if saved is not None:
        write_setting(RP_FILTER % interface, saved)
        remove(SAVED % interface)
