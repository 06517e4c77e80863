#!/usr/bin/env bash
# GLib: Ireland is two hours off, in winter, where its zone file leaves the winters to the rule at its end.
#
# Packages  Debian's libglib2.0-0 2.74.6-2+deb12u9 in a temporary folder; PyPI's tzdata 2025.2 (slim files, as zic
#           writes them by default since 2020b); Python's ctypes calls GLib.
# Input     The zone file of Europe/Dublin; 2026-01-15T12:00:00Z. Its rule is "IST-1GMT0,M10.5.0,M3.5.0/1": the standard
#           time is that of summer, and the "summer" of the rule is an hour behind it (RFC 9636 allows that).
# Guess     A library of dates reads a valid zone file like any other: the offset is 0.
# Seen      7200 seconds. Python's zoneinfo, of the same file: 0. With Debian's fat files, which list all changes until
#           2037, GLib says 0 as well, so it shows only where the system has slim ones.
#
# Exit 0: as seen. 1: it behaves otherwise. 2: it could not be tried.
set -euo pipefail
work=$(mktemp -d /var/tmp/finding-XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 .
apt-get download -qq libglib2.0-0=2.74.6-2+deb12u9 >log 2>&1 || { echo "cannot fetch the package"; cat log; exit 2; }
dpkg-deb -x ./libglib2.0-0_*.deb .
{ /usr/bin/python3 -m venv venv && venv/bin/pip -q install --disable-pip-version-check tzdata==2025.2; } >log 2>&1 ||
    { echo "cannot fetch tzdata"; cat log; exit 2; }
library=$(echo usr/lib/*/libglib-2.0.so.0)
venv/bin/python - "$library" <<'PYTHON'
import ctypes
import datetime
import importlib.resources
import sys
import zoneinfo

glib = ctypes.CDLL(sys.argv[1])
print("GLib", ".".join(str(ctypes.c_uint.in_dll(glib, f"glib_{part}_version").value)
                       for part in ("major", "minor", "micro")))
for name, result in ("g_time_zone_new_identifier", ctypes.c_void_p), ("g_time_zone_find_interval", ctypes.c_int), \
        ("g_time_zone_get_offset", ctypes.c_int32):
    getattr(glib, name).restype = result
path = importlib.resources.files("tzdata") / "zoneinfo/Europe/Dublin"
at = datetime.datetime(2026, 1, 15, 12, tzinfo=datetime.timezone.utc)
zone = ctypes.c_void_p(glib.g_time_zone_new_identifier(str(path).encode()))
interval = glib.g_time_zone_find_interval(zone, 1, ctypes.c_int64(int(at.timestamp())))  # 1: G_TIME_TYPE_UNIVERSAL
seen = glib.g_time_zone_get_offset(zone, interval)
with path.open("rb") as file:
    meant = int(at.astimezone(zoneinfo.ZoneInfo.from_file(file)).utcoffset().total_seconds())
print(f"GLib: {seen}\nzoneinfo: {meant}")
sys.exit(not (seen == 7200 and meant == 0))
PYTHON
