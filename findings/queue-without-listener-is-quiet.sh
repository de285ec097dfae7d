#!/usr/bin/env bash
# A packet that iptables sends to an NFQUEUE that has no listener, without --queue-bypass, is freed, and sendto() succeeds; after
# DROP it fails with EPERM. Seen with iptables 1.8.9 on Linux 6.18; nf_queue() returns 0 for a packet that it could not queue.
set -euo pipefail
readonly VERSION=1.8.9-2
work=$(mktemp -d); name=find-queue-$$
trap 'ip netns del $name 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
for package in iptables libxtables12 libip4tc2 libip6tc2; do apt-get -qq download "$package=$VERSION" >/dev/null 2>&1; done
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu XTABLES_LIBDIR=$work/root/usr/lib/x86_64-linux-gnu/xtables
export XTABLES_LOCKFILE=$work/lock
ip netns add "$name"; ip -n "$name" link set lo up
iptables() { ip netns exec "$name" "$work/root/usr/sbin/xtables-legacy-multi" iptables "$@"; }
send() { # how a datagram to port 9 is taken
  ip netns exec "$name" bash -c 'if echo x 2>/dev/null >/dev/udp/127.0.0.1/9; then echo success; else echo EPERM; fi' 2>/dev/null
}
iptables -A OUTPUT -p udp -j DROP; dropped=$(send); iptables -F OUTPUT
iptables -A OUTPUT -p udp -j NFQUEUE --queue-num 7; queued=$(send)
passed=$(iptables -nvxL OUTPUT | awk '/NFQUEUE/{print $1}')
echo "Linux $(uname -r), $(iptables --version)"
echo "sendto(): after DROP $dropped, after NFQUEUE that has no listener $queued ($passed packet matched)"
[ "$dropped" = EPERM ] && [ "$queued" = success ] && [ "$passed" = 1 ] || { echo 'this has changed' >&2; exit 1; }
