/** A process that owns a cluster of one node, says where, and waits to be killed. */
import { startCluster } from '../../src/index.ts';

const cluster = await startCluster({ nodes: 1, report: () => undefined });
console.log(cluster.folder);
process.stdin.resume();
