#!/usr/bin/env bash
# nft prints a REDIRECT of iptables-nft as "redirect to :PORT", and the same one of ip6tables-nft as nothing once it has printed the first:
# it finds no second extension in a library that is loaded, and says so on standard error. Seen with nftables 1.0.6, iptables 1.8.9.
set -euo pipefail
readonly NFTABLES=1.0.6-2+deb12u2 IPTABLES=1.8.9-2
work=$(mktemp -d); name=find-redirect-$$
trap 'ip netns del $name 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
for package in nftables=$NFTABLES libnftables1=$NFTABLES iptables=$IPTABLES libxtables12=$IPTABLES libip4tc2=$IPTABLES libip6tc2=$IPTABLES; do
  apt-get -qq download "$package" >/dev/null 2>&1
done
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu XTABLES_LIBDIR=$work/root/usr/lib/x86_64-linux-gnu/xtables
ip netns add "$name"
for family in iptables ip6tables; do
  ip netns exec "$name" "$work/root/usr/sbin/xtables-nft-multi" "$family" -t nat -A PREROUTING -p tcp -j REDIRECT --to-ports 7777
done
redirects() { ip netns exec "$name" "$work/root/usr/sbin/nft" "$@" 2>>said | grep -c 'redirect to :7777' || true; }
alone=$(redirects list table ip6 nat)
both=$(redirects list ruleset)
echo "Linux $(uname -r), $("$work/root/usr/sbin/nft" --version)"
echo "redirects printed: $alone of the 1 of IPv6 by itself, $both of the 2 of both; on standard error: $(grep 'not found' said)"
[ "$alone" = 1 ] && [ "$both" = 1 ] || { echo 'this has changed' >&2; exit 1; }
