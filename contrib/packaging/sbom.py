#!/usr/bin/env python3
"""sbom.py FOLDER OUTPUT: writes a software bill of materials, SPDX 2.3 in JSON, about an installed tree.

FOLDER has the files as `make install DESTDIR=FOLDER` or the packages lay them out. The document has each of them and each source
file of this tree with its checksums, and the libraries that the programs link with or load when they need them, with the
versions of the system where this runs. The same files on the same system give the same document.
"""
import hashlib
import json
import os
import re
import subprocess
import sys
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = ("src", "man", "completion", "Makefile", "COPYING")
# What the projects say of themselves. Others have NOASSERTION.
LICENSES = {
    "libc.so.6": "LGPL-2.1-or-later",
    "libcap.so.2": "BSD-3-Clause OR GPL-2.0-only",
    "libiniparser.so.1": "MIT",
    "libiniparser.so.4": "MIT",
    "libmnl.so.0": "LGPL-2.1-or-later",
    "libnl-3.so.200": "LGPL-2.1-only",
    "libnl-route-3.so.200": "LGPL-2.1-only",
    "libqrencode.so.4": "LGPL-2.1-or-later",
    "libseccomp.so.2": "LGPL-2.1-only",
    "libsystemd.so.0": "LGPL-2.1-or-later",
}


def output_of(*command):
    """What the command prints, or nothing if it fails or does not exist."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              env={**os.environ, "LC_ALL": "C"}, check=False)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def spdx_id(*words):
    return "SPDXRef-" + "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", word).strip("-") for word in words)


def files_below(top, places):
    """Paths relative to top, sorted."""
    found = []
    for place in places:
        at = os.path.join(top, place)
        if os.path.isfile(at):
            found.append(place)
        for folder, _, names in os.walk(at):
            found += [os.path.relpath(os.path.join(folder, name), top) for name in names]
    return sorted(path for path in found if os.path.isfile(os.path.join(top, path)) and not os.path.islink(os.path.join(top, path)))


def describe_files(prefix, top, paths):
    made, used = [], set()
    for path in paths:
        identifier = spdx_id(prefix, path)
        while identifier in used:
            identifier += ".2"
        used.add(identifier)
        made.append(describe_file(identifier, top, path))
    return made


def describe_file(identifier, top, path):
    with open(os.path.join(top, path), "rb") as file:
        content = file.read()
    if content[:4] == b"\x7fELF":
        kind = "BINARY"
    elif path.endswith((".c", ".h", "Makefile")):
        kind = "SOURCE"
    elif content[:8] == b"!<arch>\n":
        kind = "ARCHIVE"
    elif re.search(r"\.[1-9](\.gz)?$", path) or os.path.basename(path) in ("COPYING", "copyright"):
        kind = "DOCUMENTATION"
    else:
        kind = "TEXT"
    return {
        "SPDXID": identifier,
        "fileName": "./" + os.path.normpath(path),
        "fileTypes": [kind],
        "checksums": [
            {"algorithm": "SHA1", "checksumValue": hashlib.sha1(content).hexdigest()},
            {"algorithm": "SHA256", "checksumValue": hashlib.sha256(content).hexdigest()},
        ],
        "licenseConcluded": "MIT",
        "licenseInfoInFiles": ["NOASSERTION"],
        "copyrightText": "NOASSERTION",
    }


def verification_code(files):
    sums = sorted(file["checksums"][0]["checksumValue"] for file in files)
    return hashlib.sha1("".join(sums).encode()).hexdigest()


def package(identifier, name, version, license_declared, **more):
    return {
        "SPDXID": identifier,
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": license_declared,
        "copyrightText": "NOASSERTION",
        "filesAnalyzed": False,
        **more,
    }


def own_package(identifier, name, version, files):
    made = package(identifier, name, version, "MIT", licenseInfoFromFiles=["NOASSERTION"],
                   hasFiles=[file["SPDXID"] for file in files],
                   packageVerificationCode={"packageVerificationCodeValue": verification_code(files)})
    made.update(filesAnalyzed=True, licenseConcluded="MIT", supplier="Organization: wgsuite maintainers",
                copyrightText="Copyright (c) 2026 the wgsuite authors")
    return made


def linked(program):
    """The sonames of the libraries that the loader loads for the program itself."""
    return sorted(re.findall(r"\(NEEDED\).*\[(.*)\]", output_of("readelf", "--wide", "--dynamic", program)))


def loaded(program):
    """The sonames of the libraries that the program loads when it needs them: its .note.dlopen."""
    notes = output_of("readelf", "--string-dump=.note.dlopen", program)
    return sorted({name for names in re.findall(r'"soname":\[([^]]*)\]', notes) for name in re.findall(r'"([^"]+)"', names)})


def library_files():
    """soname → file, as the loader of this system finds it."""
    found = {}
    for line in output_of("/sbin/ldconfig", "-p").splitlines():
        match = re.match(r"\s+(\S+) \((\S+?)[,)].*=> (/\S+)", line)
        if match and match.group(2) == "libc6":
            found.setdefault(match.group(1), match.group(3))
    return found


def debian_package(path):
    """The name, version and architecture of the package that has the file, or None."""
    for name in (os.path.realpath(path), path, re.sub(r"^/usr(/lib)", r"\1", os.path.realpath(path)), re.sub(r"^/lib", "/usr/lib", path)):
        owner = re.match(r"([^:\n]+(:[^:\s]+)?): /", output_of("dpkg-query", "--search", name))
        if owner:
            shown = output_of("dpkg-query", "--show", "--showformat=${Package} ${Version} ${Architecture}\n", owner.group(1))
            return shown.split("\n")[0].split(" ")
    return None


def system():
    """The name of this system in a package URL, and its release."""
    words = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', open("/etc/os-release", encoding="utf-8").read(), re.M))
    return words.get("ID", "linux"), words.get("VERSION_ID", "")


def dependency(soname, path):
    found = debian_package(path) if path else None
    if not found:
        return package(spdx_id("Library", soname), soname, "NOASSERTION", LICENSES.get(soname, "NOASSERTION"))
    name, version, machine = found
    vendor, release = system()
    url = f"pkg:deb/{vendor}/{name}@{version.replace(':', '%3A').replace('+', '%2B')}?arch={machine}"
    return package(spdx_id("Library", soname), name, version, LICENSES.get(soname, "NOASSERTION"),
                   comment=f"Provides {soname}.",
                   externalRefs=[{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                  "referenceLocator": url + (f"&distro={vendor}-{release}" if release else "")}])


def compiler(program):
    """What the compiler wrote into the program about itself. strip(1) of the packages removes it; their .buildinfo has it."""
    comments = re.findall(r"\]\s+((?:GCC|.*clang).*)", output_of("readelf", "--string-dump=.comment", program))
    return comments[0].strip() if comments else ""


def document(top):
    version = output_of("sh", f"{ROOT}/contrib/packaging/version.sh").strip()
    date = output_of("sh", f"{ROOT}/contrib/packaging/version.sh", "date").strip()
    if not version or not date:
        sys.exit("sbom.py: contrib/packaging/version.sh does not print a version and its date")
    installed = describe_files("File", top, files_below(top, ["."]))
    programs = [file for file in installed if file["fileTypes"] == ["BINARY"]]
    if not programs:
        sys.exit(f"sbom.py: no program in {top}")
    sources = describe_files("Source", ROOT, files_below(ROOT, SOURCES))
    suite = own_package("SPDXRef-Package-wgsuite", "wgsuite", version, installed)
    source = own_package("SPDXRef-Package-wgsuite-source", "wgsuite-source", version, sources)
    packages = {item["SPDXID"]: item for item in (suite, source)}
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", suite["SPDXID"]), (suite["SPDXID"], "GENERATED_FROM", source["SPDXID"])]
    for owner, files in ((suite, installed), (source, sources)):
        relations += [(owner["SPDXID"], "CONTAINS", file["SPDXID"]) for file in files]
    where = library_files()
    for file in programs:
        path = os.path.join(top, file["fileName"])
        if not linked(path):
            sys.exit(f"sbom.py: cannot describe {path}: it is linked statically, and does not say with which libraries")
        for kind, sonames in (("DYNAMIC_LINK", linked(path)), ("OPTIONAL_DEPENDENCY_OF", loaded(path))):
            for soname in sonames:
                item = dependency(soname, where.get(soname))
                packages.setdefault(item["SPDXID"], item)
                ends = (file["SPDXID"], item["SPDXID"])
                relations.append((ends[0], kind, ends[1]) if kind == "DYNAMIC_LINK" else (ends[1], kind, ends[0]))
        made_by = compiler(path)
        if made_by:
            item = package(spdx_id("Compiler", made_by), made_by, re.findall(r"[0-9][0-9.]*", made_by)[-1], "NOASSERTION")
            packages.setdefault(item["SPDXID"], item)
            relations.append((item["SPDXID"], "BUILD_TOOL_OF", file["SPDXID"]))
    content = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"wgsuite-{version}",
        "creationInfo": {"created": f"{date}T00:00:00Z", "creators": ["Organization: wgsuite maintainers", f"Tool: wgsuite-sbom-{version}"]},
        "documentDescribes": [suite["SPDXID"]],
        "packages": list(packages.values()),
        "files": installed + sources,
        "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in relations],
    }
    # The namespace is another one for each content.
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()
    content["documentNamespace"] = f"https://spdx.org/spdxdocs/wgsuite-{version}-{uuid.UUID(bytes=digest[:16], version=5)}"
    return content


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: sbom.py FOLDER OUTPUT")
    content = document(sys.argv[1])
    with open(sys.argv[2] + ".new", "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False)
        file.write("\n")
    os.replace(sys.argv[2] + ".new", sys.argv[2])


main()
