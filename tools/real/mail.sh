# ./run test real mail: mail through Postfix, Exim and OpenSMTPD as Debian installs them, each in a folder of its own
# (debootstrap, kept in .run/roots), run on a port of loopback. Prints the tables of docs/mail-servers.md. Wants root;
# some four minutes, and three more the first time. Sourced by tools/real.sh.

run_real_mail() {
    [ "$(id -u)" = 0 ] || fail "mail servers in folders of their own want root"
    real_test test_mail.py debootstrap
}
