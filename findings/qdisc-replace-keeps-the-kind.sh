#!/usr/bin/env bash
# `tc qdisc replace` does not replace a qdisc by one of another kind under the same handle: it is refused, and the first one stays.
# With another handle it is replaced. Seen with iproute2 6.1.0 on Linux 6.18.
set -euo pipefail
readonly VERSION=6.1.0-3
work=$(mktemp -d); name=find-tc-$$
trap 'ip netns del $name 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download "iproute2=$VERSION" >/dev/null 2>&1
dpkg -x ./*.deb root
ip netns add "$name"
tc() { ip netns exec "$name" "$work/root/sbin/tc" "$@"; }
kind() { tc qdisc show dev lo | awk '{print $2, $3; exit}'; }
tc qdisc add dev lo root handle 1: htb
tc class add dev lo parent 1: classid 1:1 htb rate 1mbit
tc qdisc add dev lo parent 1:1 handle 2: bfifo limit 10000
said=$(tc qdisc replace dev lo parent 1:1 handle 2: tbf rate 1mbit burst 10000 limit 10000 2>&1 || true)
same=$(tc qdisc show dev lo | awk '$3 == "2:" {print $2}')
tc qdisc replace dev lo parent 1:1 handle 3: tbf rate 1mbit burst 10000 limit 10000
other=$(tc qdisc show dev lo | awk '$3 == "3:" {print $2}')
echo "Linux $(uname -r), $(tc -V): the same handle: ${said//$'\n'/ } (it is a $same); another handle: it is a $other"
[ "$same" = bfifo ] && [ "$other" = tbf ] && [ -n "$said" ] || { echo 'this has changed' >&2; exit 1; }
