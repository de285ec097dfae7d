#!/usr/bin/env bash
# A token bucket of ten packets makes BBR lose many times what a bucket of one packet does, at the same rate and with the same queue: what
# passes at once is taken for the rate of the link. Seen with iproute2 6.1.0 on Linux 6.18.
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

lost() { # BURST: percent of segments that BBR sends again through a link of 10 Mbit/s
  ip netns exec "$far" "$work/root/sbin/tc" qdisc add dev eth0 root handle 1: tbf rate 10mbit burst "$1" limit 140000
  ip netns exec "$near" "$work/root/usr/bin/iperf3" -c 10.9.0.2 -R -t 6 -C bbr -f k | awk '/sender/ {print $9 / ($5 * ($6 == "MBytes" ? 1048576 : 1024) / 1448) * 100}'
  ip netns exec "$far" "$work/root/sbin/tc" qdisc del dev eth0 root
}
large=(); small=()
for _ in 1 2 3; do large+=("$(lost 15000)"); small+=("$(lost 1600)"); done
echo "Linux $(uname -r), $(tc -V): percent that BBR sends again through 10 Mbit/s: burst 15000: ${large[*]}; burst 1600: ${small[*]}"
mean() { printf '%s\n' "$@" | awk '{sum += $1} END {print sum / NR}'; }
awk -v a="$(mean "${large[@]}")" -v b="$(mean "${small[@]}")" 'BEGIN {exit !(a > 3 * b)}' || { echo 'this has changed' >&2; exit 1; }
