#!/usr/bin/env bash
# cairo: a hyperlink makes a damaged PDF, unless the link stands within an element of the document's structure.
#
# Packages  Debian's libcairo2 1.16.0-7, python3-cairo 1.20.1-5+b1, qpdf 11.3.0-1+deb12u1, unpacked into a temporary
#           folder.
# Input     One page with one word within CAIRO_TAG_LINK, an attribute `uri`; once bare, once within a tag "Document".
# Guess     Tags of structure are for readers who cannot see; a link is an annotation of the page and needs none.
# Seen      The bare one is finished without an error, and viewers show it. But the page names an object of structure
#           that was never written: qpdf says "file is damaged" and puts it together anew. Within "Document": whole.
#
# Exit 0: as seen. 1: it behaves otherwise. 2: it could not be tried.
set -euo pipefail
work=$(mktemp -d /var/tmp/finding-XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 .
apt-get download -qq libcairo2=1.16.0-7 python3-cairo=1.20.1-5+b1 qpdf=11.3.0-1+deb12u1 libqpdf29=11.3.0-1+deb12u1 \
    >log 2>&1 || { echo "cannot fetch the packages"; cat log; exit 2; }
for package in ./*.deb; do dpkg-deb -x "$package" .; done
export LD_LIBRARY_PATH=$work/usr/lib/x86_64-linux-gnu PYTHONPATH=$work/usr/lib/python3/dist-packages
/usr/bin/python3 - <<'PYTHON' || { echo "pycairo does not load here"; exit 2; }
import cairo

for name, structured in ("bare", False), ("structured", True):
    surface = cairo.PDFSurface(name + ".pdf", 200, 200)
    context = cairo.Context(surface)
    if structured:
        context.tag_begin("Document", "")
    context.tag_begin(cairo.TAG_LINK, "uri='https://example.com/'")
    context.move_to(20, 50)
    context.show_text("a link")
    context.tag_end(cairo.TAG_LINK)
    if structured:
        context.tag_end("Document")
    context.show_page()
    surface.finish()
print("cairo", cairo.cairo_version_string())
PYTHON
usr/bin/qpdf --version | sed -n 1p
verdict() {
    if usr/bin/qpdf --check "$1.pdf" >"$1.txt" 2>&1; then echo whole; return; fi
    sed -n 's/^WARNING: .*: \(file is damaged\)$/\1/p' "$1.txt"
}
bare=$(verdict bare) structured=$(verdict structured)
echo "bare: $bare"
echo "within a structure: $structured"
[ "$bare" = "file is damaged" ] && [ "$structured" = whole ]
