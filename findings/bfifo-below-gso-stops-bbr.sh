#!/usr/bin/env bash
# Behind a bfifo of fewer bytes than a packet that TCP passes on at once (GSO, 64 KiB), BBR comes to a standstill: the packet never fits, TCP is
# told, and tries the same packet again every 200 ms. Reno makes smaller packets and gets the rate. Seen with iproute2 6.1.0 on Linux 6.18.
set -euo pipefail
readonly VERSIONS=(iproute2=6.1.0-3 iperf3=3.12-1+deb12u2 libiperf0=3.12-1+deb12u2 libsctp1=1.0.19+dfsg-2)
work=$(mktemp -d); near=find-near-$$; far=find-far-$$; server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; ip netns del $near 2>/dev/null; ip netns del $far 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download "${VERSIONS[@]}" >/dev/null 2>&1
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu
modprobe tcp_bbr 2>/dev/null || true
ip netns add "$near"; ip netns add "$far"
ip link add eth0 netns "$near" type veth peer name eth0 netns "$far"
for end in "$near:1" "$far:2"; do
  ip -n "${end%:*}" address add "10.9.0.${end#*:}/24" dev eth0
  ip -n "${end%:*}" link set eth0 up
done
tc() { ip netns exec "$near" "$work/root/sbin/tc" "$@"; }
ip netns exec "$far" "$work/root/usr/bin/iperf3" -s >/dev/null 2>&1 & server=$!

megabits() { # CONGESTION BYTES: payload, once the first second is over
  tc qdisc replace dev eth0 parent 1:1 handle 2: bfifo limit "$2"
  sleep 0.5
  ip netns exec "$near" "$work/root/usr/bin/iperf3" -c 10.9.0.2 -t 4 -O 1 -C "$1" -f k | awk '/receiver/ {print $7 / 1000}'
}
tc qdisc add dev eth0 root handle 1: htb default 1
tc class add dev eth0 parent 1: classid 1:1 htb rate 10mbit burst 1600 cburst 1600
short_bbr=$(megabits bbr 62500); short_reno=$(megabits reno 62500); long_bbr=$(megabits bbr 140000)
echo "Linux $(uname -r), $(tc -V): Mbit/s of 10: bfifo of 62,500 bytes: bbr $short_bbr, reno $short_reno; of 140,000 bytes: bbr $long_bbr"
awk -v a="$short_bbr" -v b="$short_reno" -v c="$long_bbr" 'BEGIN {exit !(a < 2 && b > 7 && c > 7)}' || { echo 'this has changed' >&2; exit 1; }
