#!/usr/bin/env bash
# An implementation of CEL in JavaScript gets sums of durations wrong that are below zero and no whole seconds; takes duration("s") for
# 0; and gives a value where 64 bits have none: each is an error, or the other answer, of cel-go. Seen with cel-js 8.0.0 of
# @marcbachmann.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund @marcbachmann/cel-js@8.0.0 >/dev/null
cat >ask.mjs <<'JS'
import { evaluate } from '@marcbachmann/cel-js';
const ask = (text) => {
  try {
    return String(evaluate(text, {}));
  } catch (error) {
    return `error: ${error.message.split('\n')[0]}`;
  }
};
for (const text of [
  'duration("0.5s") - duration("0.6s") == duration("-0.1s")',
  'duration("-1s") + duration("-2s") == duration("-3s")',
  'duration("s") == duration("0s")',
  '-9223372036854775808 / -1 > 0',
])
  console.log(`${text}: ${ask(text)}`);
JS
found=$(node ask.mjs)
echo "Node.js $(node --version), @marcbachmann/cel-js $(node -p 'require("./node_modules/@marcbachmann/cel-js/package.json").version')"
echo "$found"
[ "$(grep -o '[a-z]*$' <<<"$found" | tr '\n' ' ')" = 'false true true true ' ] || { echo 'this has changed' >&2; exit 1; }
