#!/usr/bin/env bash
# A verdict `drop` in nftables' egress hook is told to the sender's own TCP: connect() gives up sooner than on a silent link.
# `fwd to 0` frees the packet, and its sender sees success. Seen with nftables 1.0.6 on Linux 6.1, 6.12 and 6.18.
set -euo pipefail
readonly VERSION=1.0.6-2+deb12u2
work=$(mktemp -d); near=find-near-$$; far=find-far-$$
trap 'ip netns del $near 2>/dev/null || true; ip netns del $far 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download "nftables=$VERSION" "libnftables1=$VERSION" >/dev/null 2>&1
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu
nft() { ip netns exec "$near" "$work/root/usr/sbin/nft" "$@"; }
ip netns add "$near"; ip netns add "$far"
ip link add eth0 netns "$near" type veth peer name eth0 netns "$far"
for end in "$near:1" "$far:2"; do
  ip -n "${end%:*}" address add "10.9.0.${end#*:}/24" dev eth0
  ip -n "${end%:*}" link set eth0 up
done
ip netns exec "$near" sysctl -qw net.ipv4.tcp_syn_retries=3
# Since Linux 6.5 the first tries are a second apart by default.
ip netns exec "$near" sysctl -qw net.ipv4.tcp_syn_linear_timeouts=0 2>/dev/null || true
# The neighbour is known before, so that only TCP is hit.
ip netns exec "$near" bash -c 'exec 3<>/dev/tcp/10.9.0.2/9' 2>/dev/null || true
seconds() { # VERDICT: how long connect() tries
  nft -f - <<N
table netdev finding {
  chain c {
    type filter hook egress device "eth0" priority 0
    meta protocol ip $1
  }
}
N
  local begun=$SECONDS
  ip netns exec "$near" bash -c 'exec 3<>/dev/tcp/10.9.0.2/9' 2>/dev/null || true
  nft delete table netdev finding
  echo $((SECONDS - begun))
}
dropped=$(seconds drop); silent=$(seconds 'fwd to 0')
echo "Linux $(uname -r), $(nft --version)"
echo "connect() with 3 retries gives up after: drop $dropped s, fwd to 0 $silent s (a silent link: 1 + 2 + 4 + 8 = 15 s)"
[ "$silent" -ge 14 ] && [ "$dropped" -lt $((silent * 2 / 3)) ] || { echo 'this has changed' >&2; exit 1; }
