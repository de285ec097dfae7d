#!/usr/bin/env bash
# os.networkInterfaces() of Node leaves out an interface that is up and has an address, as long as the kernel says that it has no
# carrier (IFF_RUNNING); right after a cable is plugged in, that may be a second. Seen with Node 24.21.0.
set -euo pipefail
work=$(mktemp -d); name=find-links-$$
trap 'ip netns del $name 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-fund --no-audit --allow-scripts=node node@24.21.0 >/dev/null 2>&1 || npm install --silent node@24.21.0 >/dev/null
ip netns add "$name"
ip -n "$name" link add plugged0 type veth peer name other0
ip -n "$name" address add 10.9.1.1/24 dev plugged0
ip -n "$name" link set plugged0 up
names() { ip netns exec "$name" node_modules/.bin/node -p "Object.keys(os.networkInterfaces()).filter((name) => name === 'plugged0').join()"; }
without=$(names); address=$(ip -n "$name" -4 -o address show dev plugged0 | awk '{print $4}')
ip -n "$name" link set other0 up
for _ in $(seq 50); do with=$(names); [ -n "$with" ] && break; done
echo "Node $(node_modules/.bin/node --version): without a carrier [$without], although plugged0 has $address; with one [$with]"
[ "$without" = '' ] && [ "$with" = plugged0 ] || { echo 'this has changed' >&2; exit 1; }
