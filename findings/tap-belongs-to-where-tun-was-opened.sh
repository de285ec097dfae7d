#!/usr/bin/env bash
# A TAP device is made in the network namespace in which /dev/net/tun was opened, not in the one of the thread that calls TUNSETIFF:
# the socket behind the file has taken its namespace at open. Seen with Node 24, koffi 3.3.4, on Linux 6.1 and 6.18.
set -euo pipefail
work=$(mktemp -d); name=find-tap-$$
trap 'ip netns del $name 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-fund --no-audit koffi@3.3.4 >/dev/null
ip netns add "$name"
cat > tap.cjs <<'N'
const koffi = require('koffi');
const { openSync, readFileSync, constants } = require('node:fs');
const libc = koffi.load('libc.so.6');
const setns = libc.func('int setns(int, int)');
const ioctl = libc.func('int ioctl(int, unsigned long, _Inout_ uint8_t *)');
const [home, there] = [openSync('/proc/thread-self/ns/net'), openSync(`/run/netns/${process.argv[2]}`)];
const enter = (fd) => { if (setns(fd, 0x40000000) !== 0) throw new Error('setns'); };
const names = () => readFileSync('/proc/thread-self/net/dev', 'utf8').match(/find-tap\d/g)?.join() ?? 'none';
const make = (name, openIn, ioctlIn) => {
  enter(openIn);
  const fd = openSync('/dev/net/tun', constants.O_RDWR);
  enter(ioctlIn);
  const request = Buffer.alloc(40);
  request.write(name);
  request.writeUInt16LE(0x1002, 16);
  if (ioctl(fd, 0x400454ca, request) !== 0) throw new Error('TUNSETIFF');
};
// Opened here, named there; and the other way round.
make('find-tap1', home, there);
make('find-tap2', there, home);
enter(there);
const inside = names();
enter(home);
console.log(`in the other namespace: ${inside}; here: ${names()}`);
N
said=$(node tap.cjs "$name")
echo "Linux $(uname -r), Node $(node --version): $said"
[ "$said" = 'in the other namespace: find-tap2; here: find-tap1' ] || { echo 'this has changed' >&2; exit 1; }
