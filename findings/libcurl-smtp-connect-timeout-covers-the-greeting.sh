#!/usr/bin/env bash
# libcurl: CURLOPT_CONNECTTIMEOUT ends an SMTP session whose TCP connection was made at once.
#
# Packages  Debian's curl and libcurl4 7.88.1-10+deb12u15, unpacked into a temporary folder.
# Input     A mail server on loopback that accepts at once and greets after 3 s, as servers do that let those who cannot
#           wait talk first; curl --connect-timeout 1, and the same with 10.
# Guess     The limit is on connecting, which took no millisecond: the greeting is an answer like others, under the
#           limits for answers.
# Seen      With 1 s it is exit status 28, though the client was connected; with 10 s the mail goes out. The limit runs
#           until greeting, EHLO, STARTTLS and login are through, so one for a dead host (seconds) cannot be set
#           beside the patience that RFC 5321 asks for (minutes).
#
# Exit 0: as seen. 1: it behaves otherwise. 2: it could not be tried.
set -euo pipefail
version=7.88.1-10+deb12u15
work=$(mktemp -d /var/tmp/finding-XXXXXX)
server=
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
chmod 755 .
apt-get download -qq "curl=$version" "libcurl4=$version" 2>log || { echo "cannot fetch $version"; exit 2; }
for package in ./*.deb; do dpkg-deb -x "$package" .; done
export LD_LIBRARY_PATH=$work/usr/lib/x86_64-linux-gnu
usr/bin/curl --version | sed -n 1p
cat >server.py <<'PYTHON'
import socketserver
import sys
import time


class Slow(socketserver.StreamRequestHandler):
    def handle(self):
        print("connected", flush=True)
        time.sleep(3)
        self.say("220 mail.example ESMTP")
        in_text = False
        for line in self.rfile:
            if in_text:
                in_text = line != b".\r\n"
                if not in_text:
                    print("mail taken", flush=True)
                    self.say("250 taken")
            elif line.upper().startswith(b"DATA"):
                in_text = True
                self.say("354 go on")
            elif line.upper().startswith(b"QUIT"):
                self.say("221 bye")
                return
            else:
                self.say("250 mail.example")

    def say(self, text):
        try:
            self.wfile.write(text.encode() + b"\r\n")
        except OSError:
            pass  # the client did not wait


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


with Server(("127.0.0.1", 0), Slow) as running:
    print(running.server_address[1], flush=True)
    running.serve_forever()
PYTHON
python3 -B server.py >heard 2>/dev/null &
server=$!
for _ in $(seq 50); do [ ! -s heard ] || break; sleep 0.1; done
port=$(sed -n 1p heard)
printf 'Subject: a mail\r\n\r\nText.\r\n' >mail
send() {
    local status=0
    usr/bin/curl -sS --noproxy '*' --connect-timeout "$1" "smtp://127.0.0.1:$port/client.example" \
        --mail-from a@example.com --mail-rcpt b@example.com --upload-file mail 2>error || status=$?
    echo "exit $status, $(grep -c connected heard || true) connected, $(grep -c 'mail taken' heard || true) taken"
}
short=$(send 1)
long=$(send 10)
printf 'limit 1 s: %s\nlimit 10 s: %s\n' "$short" "$long"
[ "$short" = "exit 28, 1 connected, 0 taken" ] && [ "$long" = "exit 0, 2 connected, 1 taken" ]
