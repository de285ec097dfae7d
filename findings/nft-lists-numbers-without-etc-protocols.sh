#!/usr/bin/env bash
# Without /etc/protocols, as in an image that has none, nft takes `icmpv6` and refuses `ipv6-icmp`, the name that it prints where the file
# is; and its JSON has the number 6 where it has "tcp" with the file. Seen with nftables 1.0.6.
set -euo pipefail
readonly NFTABLES=1.0.6-2+deb12u2
work=$(mktemp -d); name=find-protocols-$$
trap 'ip netns del $name 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
for package in nftables=$NFTABLES libnftables1=$NFTABLES; do apt-get -qq download "$package" >/dev/null 2>&1; done
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu
printf 'tcp 6 TCP\nipv6-icmp 58 IPv6-ICMP\n' >file
: >none
ip netns add "$name"
# The file is another one for these programs alone: in a mount namespace of their own.
nft() { unshare -m sh -c 'mount --bind "$1" /etc/protocols && shift && exec "$@"' - "$work/$1" ip netns exec "$name" "$work/root/usr/sbin/nft" "${@:2}"; }
nft file 'add table inet t; add chain inet t c; add rule inet t c meta l4proto tcp; add rule inet t c meta l4proto icmpv6'
listed() { nft "$1" -j list chain inet t c | grep -o '"right": [^}]*' | tr '\n' ' '; }
takes() { nft "$1" -c "add rule inet t c meta l4proto $2" >/dev/null 2>&1 && echo yes || echo no; }
found="with the file: $(listed file); ipv6-icmp taken: $(takes file ipv6-icmp), icmpv6: $(takes file icmpv6)
without: $(listed none); ipv6-icmp taken: $(takes none ipv6-icmp), icmpv6: $(takes none icmpv6)"
echo "Linux $(uname -r), $("$work/root/usr/sbin/nft" --version)"
echo "$found"
[ "$found" = 'with the file: "right": "tcp" "right": "ipv6-icmp" ; ipv6-icmp taken: yes, icmpv6: yes
without: "right": 6 "right": 58 ; ipv6-icmp taken: no, icmpv6: yes' ] || { echo 'this has changed' >&2; exit 1; }
