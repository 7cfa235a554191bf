#!/usr/bin/env python3
"""spdx_check.py INSTALLED SOURCES DOCUMENT…: whether documents are valid SPDX 2.3 in JSON, and true.

Valid: members, formats and identifiers as the specification of SPDX 2.3 (clauses 6 to 11) has them. True: INSTALLED and SOURCES
have the files with these checksums and no others, and the libraries are those that the programs name. Prints what is wrong, one
line each after the name of the document; exit 1 if something is.
"""
import datetime
import functools
import hashlib
import json
import os
import re
import subprocess
import sys

from license_expression import get_spdx_licensing

wrong = []
licenses = get_spdx_licensing()
ID = re.compile(r"SPDXRef-[A-Za-z0-9.-]+$")
# Member → required?
DOCUMENT = {"spdxVersion": True, "dataLicense": True, "SPDXID": True, "name": True, "documentNamespace": True, "creationInfo": True,
            "documentDescribes": False, "packages": True, "files": False, "relationships": True, "comment": False}
PACKAGE = {"SPDXID": True, "name": True, "versionInfo": False, "downloadLocation": True, "filesAnalyzed": False, "licenseConcluded": False,
           "licenseDeclared": False, "copyrightText": False, "packageVerificationCode": False, "hasFiles": False, "supplier": False,
           "licenseInfoFromFiles": False, "externalRefs": False, "comment": False, "checksums": False}
FILE = {"SPDXID": True, "fileName": True, "checksums": True, "fileTypes": False, "licenseConcluded": False,
        "licenseInfoInFiles": False, "copyrightText": False, "comment": False}
RELATIONSHIP = {"spdxElementId": True, "relationshipType": True, "relatedSpdxElement": True, "comment": False}
FILE_TYPES = set("SOURCE BINARY ARCHIVE APPLICATION AUDIO IMAGE TEXT VIDEO DOCUMENTATION SPDX OTHER".split())
# Of the table in clause 11, those that a document about a program may use.
RELATIONSHIPS = set("""DESCRIBES DESCRIBED_BY CONTAINS CONTAINED_BY DEPENDS_ON DEPENDENCY_OF GENERATES GENERATED_FROM DYNAMIC_LINK
    STATIC_LINK OPTIONAL_DEPENDENCY_OF BUILD_TOOL_OF BUILD_DEPENDENCY_OF""".split())
LENGTHS = {"SHA1": 40, "SHA256": 64}


def expect(good, text):
    if not good:
        wrong.append(text)


def members(thing, known, name):
    expect(isinstance(thing, dict), f"{name}: not an object")
    for member, required in known.items():
        expect(not required or member in thing, f"{name}: lacks {member}")
    for member in thing:
        expect(member in known, f"{name}: unknown member {member}")


def license_is_valid(text, name):
    if text in ("NOASSERTION", "NONE", None):
        return
    try:
        errors = licenses.validate(text).errors
    except Exception as error:  # the parser raises many kinds
        errors = [str(error)]
    expect(not errors, f"{name}: license {text}: {errors}")


def sums_of(thing, name):
    sums = {}
    for entry in thing.get("checksums", []):
        kind, value = entry.get("algorithm"), entry.get("checksumValue", "")
        expect(re.fullmatch(r"[0-9a-f]{%d}" % LENGTHS.get(kind, 0), value), f"{name}: checksum {kind} {value}")
        expect(kind not in sums, f"{name}: two checksums {kind}")
        sums[kind] = value
    return sums


def check_header(content):
    members(content, DOCUMENT, "document")
    expect(content.get("spdxVersion") == "SPDX-2.3", "document: spdxVersion")
    expect(content.get("dataLicense") == "CC0-1.0", "document: dataLicense")
    expect(content.get("SPDXID") == "SPDXRef-DOCUMENT", "document: SPDXID")
    expect(re.fullmatch(r"[a-z][a-z0-9+.-]*:[^#\s]+", content.get("documentNamespace", "")), "document: documentNamespace")
    info = content.get("creationInfo", {})
    members(info, {"created": True, "creators": True}, "creationInfo")
    try:
        datetime.datetime.strptime(info.get("created", ""), "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        wrong.append("creationInfo: created")
    expect(info.get("creators") and all(re.match(r"(Person|Organization|Tool): \S", by) for by in info["creators"]),
           "creationInfo: creators")


def check_package(item, files):
    name = f"package {item.get('name')}"
    members(item, PACKAGE, name)
    for member in ("licenseConcluded", "licenseDeclared"):
        license_is_valid(item.get(member), name)
    expect(item.get("downloadLocation") in ("NOASSERTION", "NONE") or ":" in item.get("downloadLocation", ""), f"{name}: downloadLocation")
    if not item.get("filesAnalyzed", True):
        expect(not {"hasFiles", "packageVerificationCode", "licenseInfoFromFiles"} & set(item), f"{name}: has files and is not analyzed")
        return
    code = item.get("packageVerificationCode", {}).get("packageVerificationCodeValue")
    inside = [files[identifier] for identifier in item.get("hasFiles", []) if identifier in files]
    expect(len(inside) == len(item.get("hasFiles", [])) > 0, f"{name}: hasFiles")
    sums = sorted(sums_of(file, name).get("SHA1", "") for file in inside)
    expect(code == hashlib.sha1("".join(sums).encode()).hexdigest(), f"{name}: packageVerificationCode")


def check_files(files, top):
    """Those of one package."""
    names = {os.path.normpath(file.get("fileName", "")): file for file in files}
    expect(len(names) == len(files), f"{top}: two files of one name")
    for path, file in names.items():
        name = f"file {path}"
        members(file, FILE, name)
        expect(file.get("fileName", "").startswith("./"), f"{name}: fileName")
        expect(set(file.get("fileTypes", [])) <= FILE_TYPES, f"{name}: fileTypes")
        license_is_valid(file.get("licenseConcluded"), name)
        sums = sums_of(file, name)
        expect(set(sums) == {"SHA1", "SHA256"}, f"{name}: checksums {sorted(sums)}")
        try:
            with open(os.path.join(top, path), "rb") as real:
                data = real.read()
        except OSError as error:
            wrong.append(f"{name}: {error.strerror}")
            continue
        for kind, value in sums.items():
            expect(hashlib.new(kind.lower(), data).hexdigest() == value, f"{name}: {kind} is another one")
    return names


def check_relationships(content, elements):
    near = {identifier: set() for identifier in elements}
    for link in content.get("relationships", []):
        members(link, RELATIONSHIP, "relationship")
        ends = link.get("spdxElementId"), link.get("relatedSpdxElement")
        expect(link.get("relationshipType") in RELATIONSHIPS, f"relationship: type {link.get('relationshipType')}")
        if not set(ends) <= set(elements):
            wrong.append(f"relationship: {ends[0]} {link.get('relationshipType')} {ends[1]}: not in the document")
            continue
        near[ends[0]].add(ends[1])
        near[ends[1]].add(ends[0])
    reached, todo = set(), ["SPDXRef-DOCUMENT"]
    while todo:
        element = todo.pop()
        if element not in reached:
            reached.add(element)
            todo += near[element]
    for element in sorted(set(elements) - reached):
        wrong.append(f"{element}: no relationship leads to it")


@functools.lru_cache(maxsize=None)
def linked(path):
    printed = subprocess.run(["objdump", "-p", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {"SPDXRef-Library-" + soname for soname in re.findall(r"NEEDED +(\S+)", printed)}


@functools.lru_cache(maxsize=None)
def version_of(package):
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}\n", package], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL, check=False).stdout.split("\n")[0]


def check_libraries(content, programs, top):
    """The libraries as objdump(1) prints them, and the versions that dpkg has of their packages."""
    packages = {item["SPDXID"]: item for item in content["packages"]}
    for path, file in programs.items():
        wanted = linked(os.path.join(top, path))
        found = {link["relatedSpdxElement"] for link in content["relationships"]
                 if link["spdxElementId"] == file["SPDXID"] and link["relationshipType"] == "DYNAMIC_LINK"}
        expect(wanted == found, f"{path}: links with {sorted(wanted)}, the document has {sorted(found)}")
        # Sections with notes are not compressed.
        with open(os.path.join(top, path), "rb") as real:
            notes = re.findall(rb'"soname":\[([^]]*)\]', real.read())
        wanted = {"SPDXRef-Library-" + name for note in notes for name in re.findall(r'"([^"]+)"', note.decode())}
        found = {link["spdxElementId"] for link in content["relationships"]
                 if link["relatedSpdxElement"] == file["SPDXID"] and link["relationshipType"] == "OPTIONAL_DEPENDENCY_OF"}
        expect(wanted == found, f"{path}: loads {sorted(wanted)}, the document has {sorted(found)}")
    for item in packages.values():
        for reference in item.get("externalRefs", []):
            locator = reference.get("referenceLocator", "")
            expect(reference.get("referenceType") == "purl" and locator.startswith("pkg:deb/"), f"package {item['name']}: externalRefs")
            version = version_of(item["name"])
            expect(item["versionInfo"] == version, f"package {item['name']}: version {item['versionInfo']}, installed {version}")


def check(document, installed, sources):
    with open(document, encoding="utf-8") as file:
        content = json.load(file)
    check_header(content)
    identifiers = ["SPDXRef-DOCUMENT"] + [thing.get("SPDXID", "") for thing in content["packages"] + content["files"]]
    for identifier in identifiers:
        expect(ID.match(identifier), f"identifier {identifier}")
    expect(len(set(identifiers)) == len(identifiers), "identifiers are not unique")
    files = {file["SPDXID"]: file for file in content["files"]}
    by_name = {}
    for item in content["packages"]:
        check_package(item, files)
        by_name[item["name"]] = item
    expect([item.get("versionInfo") for item in (by_name["wgsuite"], by_name["wgsuite-source"])].count(content["name"][8:]) == 2,
           "package wgsuite: version")
    check_relationships(content, identifiers)
    programs = {}
    for package, top in (("wgsuite", installed), ("wgsuite-source", sources)):
        names = check_files([files[identifier] for identifier in by_name[package]["hasFiles"] if identifier in files], top)
        if package == "wgsuite":
            programs = {path: file for path, file in names.items() if file.get("fileTypes") == ["BINARY"]}
            real = {os.path.relpath(os.path.join(folder, name), top) for folder, _, found in os.walk(top) for name in found
                    if not os.path.islink(os.path.join(folder, name))}
            for path in sorted(real - set(names)):
                wrong.append(f"file {path}: not in the document")
    expect(len(programs) >= 3, f"programs: {sorted(programs)}")
    check_libraries(content, programs, installed)


def main():
    code = 0
    installed, sources, *documents = sys.argv[1:]
    for document in documents:
        wrong.clear()
        check(document, installed, sources)
        for text in wrong:
            print(f"{document}: {text}")
            code = 1
    sys.exit(code if documents else 2)


main()
