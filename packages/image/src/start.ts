/** How the command starts where the Node.js is not ours: an older one would end over the first thing that it does not have. */

/** The Node.js that the command is bundled for. */
export const OLDEST_NODE = 24;

/** A program that any Node.js understands; `what` is what the message calls it. It starts `chaosplane.mjs`, which lies beside it. */
export function startProgram(what: string): string {
  return `#!/usr/bin/env node
if (Number.parseInt(process.versions.node, 10) >= ${OLDEST_NODE}) import('./chaosplane.mjs');
else {
  console.error('${what} needs Node.js ${OLDEST_NODE} or newer as node on the PATH, and that is ' + process.version);
  process.exitCode = 2;
}
`;
}
