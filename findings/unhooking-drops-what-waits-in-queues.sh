#!/usr/bin/env bash
# A packet waits in NFQUEUE for its verdict. When a program removes a base chain of a table that the packet has nothing to do with, the kernel drops
# it; so it does when a rule goes that sets a conntrack zone. Both have the reason that a hook is unregistered, which may be held by a
# waiting packet (nf_queue_nf_hook_drop in net/netfilter/nf_queue.c). An ordinary rule costs nothing. Seen with Linux 6.18, nftables 1.0.6.
set -euo pipefail
readonly NFTABLES=1.0.6-2+deb12u2 IPTABLES=1.8.9-2 QUEUE=1.0.5-3
work=$(mktemp -d); name=find-queue-$$
trap 'ip netns del $name 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
for package in nftables=$NFTABLES libnftables1=$NFTABLES iptables=$IPTABLES libxtables12=$IPTABLES libnetfilter-queue1=$QUEUE libnfnetlink0=1.0.2-2; do
  apt-get -qq download "$package" >/dev/null 2>&1
done
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu XTABLES_LIBDIR=$work/root/usr/lib/x86_64-linux-gnu/xtables
cat >hold.py <<'P'
"""Sends 20 datagrams into the queue, runs the command that it was given, then accepts them. Prints how many have arrived."""
import ctypes, socket, subprocess, sys, time
lib = ctypes.CDLL('libnetfilter_queue.so.1')
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 4)
lib.nfq_open.restype = lib.nfq_create_queue.restype = lib.nfq_get_msg_packet_hdr.restype = ctypes.c_void_p
waiting = []
def on_packet(queue, message, packet, data):
    header = lib.nfq_get_msg_packet_hdr(ctypes.c_void_p(packet))
    waiting.append(int.from_bytes(ctypes.string_at(header, 4), 'big'))
    return 0
on_packet = CALLBACK(on_packet)
handle = ctypes.c_void_p(lib.nfq_open())
queue = ctypes.c_void_p(lib.nfq_create_queue(handle, 0, on_packet, None))
lib.nfq_set_mode(queue, 1, 64)
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(('127.0.0.1', 9000))
receiver.settimeout(0.5)
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(20): sender.sendto(b'x', ('127.0.0.1', 9000))
netlink = socket.socket(fileno=lib.nfq_fd(handle))
netlink.settimeout(10)
while len(waiting) < 20:
    message = netlink.recv(65536)
    lib.nfq_handle_packet(handle, message, len(message))
subprocess.run(sys.argv[1:], check=True)
time.sleep(0.2)
for number in waiting: lib.nfq_set_verdict(queue, number, 1, 0, None)
arrived = 0
try:
    while receiver.recv(1): arrived += 1
except TimeoutError: pass
print(arrived)
P
nft=$work/root/usr/sbin/nft
in_ns() { ip netns exec "$name" "$@"; }
# Each time in a new namespace, with the command of nft that is run while the packets wait.
arrived_after() {
  ip netns add "$name"
  in_ns ip link set lo up
  in_ns "$work/root/usr/sbin/xtables-nft-multi" iptables -A OUTPUT -p udp --dport 9000 -j NFQUEUE --queue-num 0
  in_ns "$nft" -f - <<'N'
table ip other {
  chain plain { type filter hook forward priority 0; tcp dport 1 accept; }
  chain zones { type filter hook prerouting priority raw; tcp dport 1 ct zone set 7; }
}
N
  in_ns python3 hold.py "$nft" "$@"
  ip netns del "$name"
}
nothing=$(arrived_after list chain ip other plain | tail -1)
rule=$(arrived_after flush chain ip other plain)
chain=$(arrived_after 'delete chain ip other plain')
zone=$(arrived_after flush chain ip other zones)
echo "Linux $(uname -r), $("$nft" --version)"
echo "of 20 waiting datagrams arrive: $nothing when nothing is removed, $rule when another table's rule is, $chain when its chain is, $zone when its rule with a zone is"
[ "$nothing" = 20 ] && [ "$rule" = 20 ] && [ "$chain" = 0 ] && [ "$zone" = 0 ] || { echo 'this has changed' >&2; exit 1; }
