#!/usr/bin/env python3
"""The bill of materials of a built package, SPDX 2.3 as JSON, of what the program is really linked with.

usage: sbom.py PACKAGE.deb >PACKAGE.spdx.json

Libraries are those that the loader finds for the program (ldd), in the versions of this machine, which is the one that
built it; what needs what is read from the files themselves (readelf). Versions are dpkg's, licences are those that
the packages' copyright files name. The same package gives the same bytes: its time is SOURCE_DATE_EPOCH.
"""

import datetime
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# Debian's short names where they differ from SPDX's.
LICENCES = {
    "apache-2": "Apache-2.0", "apache-2.0": "Apache-2.0", "expat": "MIT", "mit": "MIT", "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause", "bsd-4-clause": "BSD-4-Clause", "isc": "ISC", "zlib": "Zlib", "zlib/libpng": "Zlib",
    "curl": "curl", "postgresql": "PostgreSQL",
    "openssl": "OpenSSL", "libpng": "Libpng", "ftl": "FTL", "cc0": "CC0-1.0",
    "cc0-1.0": "CC0-1.0", "unlicense": "Unlicense", "boost-1.0": "BSL-1.0", "bsl-1.0": "BSL-1.0", "mpl-1.1": "MPL-1.1",
    "mpl-2.0": "MPL-2.0", "ofl-1.1": "OFL-1.1", "x11": "X11", "fsfap": "FSFAP", "fsful": "FSFUL",
    "fsfullr": "FSFULLR", "0bsd": "0BSD", "unicode": "Unicode-DFS-2016", "artistic": "Artistic-1.0-Perl",
}
GNU = re.compile(r"(a?gpl|lgpl|gfdl)-?v?(\d)(?:\.(\d))?(?:\.0)?(\+|-or-later|-only)?$", re.I)
PROGRAM = "SPDXRef-program"
SPDX_PART = re.compile(r"[^A-Za-z0-9.-]+")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}).stdout


def opened_files(program):
    """The libraries that the program opens by itself when it needs them: names in it that it is not linked with."""
    names = set(re.findall(rb"\0(lib[A-Za-z0-9_.+-]+\.so\.[0-9.]+)(?=\0)", pathlib.Path(program).read_bytes()))
    names = {name.decode() for name in names} - set(needed(str(program)))
    known = dict(re.findall(r"^\s(\S+) \(.*?\) => (/\S+)$", run("/sbin/ldconfig", "-p"), re.M))
    return sorted({os.path.realpath(known[name]) for name in names if name in known})


def loaded_files(paths):
    """The libraries that the loader maps for these files, as paths."""
    found = [path for each in paths for path in re.findall(r"(?:=> )?(/\S+) \(0x", run("ldd", str(each)))]
    return sorted({os.path.realpath(path) for path in found})


@functools.cache
def needed(path):
    return sorted(re.findall(r"\(NEEDED\)\s+Shared library: \[(.+?)\]", run("readelf", "-d", path)))


@functools.cache
def owner(path):
    """The dpkg package that a library is of; merged folders have two names for one file."""
    other = path[4:] if path.startswith("/usr/") else "/usr" + path
    for name in (path, other):
        done = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.split(": ")[0].split(",")[0]
    raise SystemExit(f"sbom: no package has {path}")


def about(package):
    names = ("Package", "Version", "Architecture", "source:Package", "source:Version", "Homepage", "Maintainer")
    values = run("dpkg-query", "-W", "-f", "\n".join(f"${{{name}}}" for name in names), package).split("\n")
    return dict(zip(names, values))


def spdx_name(word):
    """An SPDX identifier for one of Debian's short names, or None."""
    lower = word.strip().lower()
    gnu = GNU.match(lower)
    if gnu:
        family, major, minor, later = gnu.groups()
        return f"{family.upper()}-{major}.{minor or 0}-{'or-later' if later in ('+', '-or-later') else 'only'}"
    return LICENCES.get(lower)


class Licences:
    """Expressions of licences, and the texts of those that SPDX has no identifier for."""

    def __init__(self):
        self.texts = {}

    def reference(self, name, text):
        identifier = "LicenseRef-" + SPDX_PART.sub("-", name).strip("-.")
        self.texts.setdefault(identifier, {"licenseId": identifier, "name": name, "extractedText": text})
        return identifier

    @staticmethod
    def text_of(name, text):
        """The paragraph of its own that a licence has, or else the first that names it."""
        paragraphs = re.split(r"\n\s*\n(?=\S)", text)
        own = re.compile(rf"^License:[ \t]*{re.escape(name)}[ \t]*\n", re.M | re.I)
        words = re.compile(rf"^License:.*{re.escape(name)}", re.M | re.I)
        for rule in (lambda each: each.startswith("License:") and own.match(each), own.search, words.search):
            for paragraph in paragraphs:
                if rule(paragraph):
                    return paragraph.strip()
        return text

    def of(self, package):
        """All that the copyright file of a package names, also of parts of the source that are in no library."""
        path = pathlib.Path("/usr/share/doc", package, "copyright")
        text = path.read_text(errors="replace") if path.exists() else ""
        if not text:
            return "NOASSERTION"
        if not re.match(r"\s*Format:", text):
            return self.reference(f"Debian-{package}", text)
        parts = set()
        for line in re.findall(r"^License:[ \t]*(\S.*)$", text, re.M):
            parts.add(self.expression(line, package, text))
        return " AND ".join(sorted(parts)) or self.reference(f"Debian-{package}", text)

    def expression(self, line, package, text):
        words = re.split(r"(?:\s*,)?\s+(and|or)\s+|\s*,\s*", line.strip(), flags=re.I)
        out = []
        for word in words:
            if word is None:
                out.append("AND")
            elif word.lower() in ("and", "or"):
                out.append(word.upper())
            elif word.strip():
                out.append(spdx_name(word) or self.reference(f"{package}-{word}", self.text_of(word, text)))
        return f"({' '.join(out)})" if "OR" in out or "AND" in out else out[0]


def checksums(path, kinds=("SHA1", "SHA256")):
    data = pathlib.Path(path).read_bytes()
    return [{"algorithm": kind, "checksumValue": hashlib.new(kind.lower(), data).hexdigest()} for kind in kinds]


def files_of(folder):
    """The files of the package, the program under an identifier of its own."""
    found = []
    for path in sorted(each for each in pathlib.Path(folder).rglob("*") if each.is_file() and not each.is_symlink()):
        name = str(path.relative_to(folder))
        found.append({
            "SPDXID": PROGRAM if name == "usr/bin/verbatim" else "SPDXRef-file-" + SPDX_PART.sub("-", name),
            "fileName": "./" + name, "checksums": checksums(path), "licenseConcluded": "NOASSERTION",
            "licenseInfoInFiles": ["NOASSERTION"], "copyrightText": "NOASSERTION"})
    return found


def verification_code(files):
    """SPDX 2.3, 7.9: the SHA-1 of all SHA-1s in their order."""
    sums = sorted(each["checksums"][0]["checksumValue"] for each in files)
    return {"packageVerificationCodeValue": hashlib.sha1("".join(sums).encode()).hexdigest()}


def distribution():
    lines = dict(line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return f"{lines.get('ID', 'debian')}-{lines.get('VERSION_ID', '')}".strip('"').replace('"', "").rstrip("-")


def library(package, licences):
    """The SPDX package of a dpkg package."""
    facts = about(package)
    name, version = facts["Package"], facts["Version"]
    entry = {
        "SPDXID": identifier(package), "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": licences.of(name),
        "copyrightText": "NOASSERTION", "supplier": "Organization: Debian", "primaryPackagePurpose": "LIBRARY",
        "sourceInfo": f"source package {facts['source:Package']} {facts['source:Version']}",
        "licenseComments": f"all licences that /usr/share/doc/{name}/copyright names",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
            "referenceLocator": f"pkg:deb/debian/{name}@{version.replace(':', '%3A').replace('+', '%2B')}"
                                f"?arch={facts['Architecture']}&distro={distribution()}"}]}
    if facts["Homepage"]:
        entry["homepage"] = facts["Homepage"]
    return entry


def identifier(package):
    return "SPDXRef-deb-" + SPDX_PART.sub("-", package.split(":")[0])


def relationship(one, kind, other):
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def links(program, opened, loaded):
    """Who needs whom: the program by file, packages by what their libraries name."""
    by_name = dict(re.findall(r"(\S+) => (/\S+)", "".join(run("ldd", str(path)) for path in (program, *opened))))
    by_name |= {os.path.basename(path): path for path in loaded}
    found = set()

    def add(one, kind, path):
        for name in needed(path):
            other = identifier(owner(os.path.realpath(by_name[name]))) if name in by_name else one
            if one != other:
                found.add((one, kind, other))

    add(PROGRAM, "DYNAMIC_LINK", str(program))
    found |= {(identifier(owner(path)), "RUNTIME_DEPENDENCY_OF", PROGRAM) for path in opened}
    for path in loaded:
        add(identifier(owner(path)), "DEPENDS_ON", path)
    return [relationship(*key) for key in sorted(found)]


def document(package, folder):
    fields = dict(line.split(": ", 1) for line in run("dpkg-deb", "-f", package).splitlines() if ": " in line)
    program = pathlib.Path(folder, "usr/bin/verbatim")
    opened, files, licences = opened_files(program), files_of(folder), Licences()
    loaded = sorted(set(loaded_files([program, *opened])) | set(opened))
    created = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc)
    digest = hashlib.sha256(pathlib.Path(package).read_bytes()).hexdigest()
    name = f"verbatim-{fields['Version']}-{fields['Architecture']}"
    own = {
        "SPDXID": "SPDXRef-verbatim", "name": "verbatim", "versionInfo": fields["Version"],
        "packageFileName": os.path.basename(package), "downloadLocation": "NOASSERTION", "filesAnalyzed": True,
        "packageVerificationCode": verification_code(files), "licenseInfoFromFiles": ["NOASSERTION"],
        "checksums": checksums(package), "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION", "supplier": "Organization: Verbatim maintainers",
        "primaryPackagePurpose": "APPLICATION"}
    packages = [own] + [library(deb, licences) for deb in sorted({owner(path) for path in loaded})]
    relationships = [relationship("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-verbatim")]
    relationships += [relationship("SPDXRef-verbatim", "CONTAINS", each["SPDXID"]) for each in files]
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": name,
        "documentNamespace": f"https://spdx.org/spdxdocs/{name}-{digest[:32]}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: verbatim-sbom"],
                         "comment": f"libraries as on the machine that built it, {distribution()}"},
        "packages": packages, "files": files, "relationships": relationships + links(program, opened, loaded),
        "hasExtractedLicensingInfos": [licences.texts[key] for key in sorted(licences.texts)]}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", sys.argv[1], folder], check=True)
        made = document(sys.argv[1], folder)
    json.dump(made, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
