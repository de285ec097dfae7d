#!/usr/bin/env bash
# FileWatcherCertificateProvider of grpc-js reads certificate and key each time it looks, and publishes what it finds: while one of the two
# files is replaced and the other is not yet, its listeners are given a certificate that the key does not belong to, and TLS of a server or
# channel is made from that. Replace both by one rename of a folder, as a kubelet does, or compare them before they are used.
# Seen with @grpc/grpc-js 1.14.7.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund @grpc/grpc-js@1.14.7 >/dev/null
for name in old new; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj "/CN=$name" -keyout $name.key -out $name.crt 2>/dev/null
done
cat >watch.mjs <<'EOF'
import { copyFileSync } from 'node:fs';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import grpc from '@grpc/grpc-js';
const use = (file) => copyFileSync(`new.${file}`, `own.${file}`);
for (const file of ['crt', 'key']) copyFileSync(`old.${file}`, `own.${file}`);
const files = { certificateFile: 'own.crt', privateKeyFile: 'own.key', refreshIntervalMs: 100 };
const provider = new grpc.experimental.FileWatcherCertificateProvider(files);
let last = '';
const listener = (found) => {
  if (found === null) return;
  const certificate = new X509Certificate(found.certificate);
  const said = `${certificate.issuer}, its key: ${certificate.checkPrivateKey(createPrivateKey(found.privateKey))}`;
  if (said !== last) console.log((last = said));
};
provider.addIdentityCertificateListener(listener);
await pause(1000);
use('crt');
await pause(1000);
use('key');
await pause(1000);
provider.removeIdentityCertificateListener(listener);
EOF
echo "@grpc/grpc-js $(node -p "require('@grpc/grpc-js/package.json').version")"
node watch.mjs | tee found
[ "$(cat found)" = $'CN=old, its key: true\nCN=new, its key: false\nCN=new, its key: true' ] || { echo 'this has changed' >&2; exit 1; }
