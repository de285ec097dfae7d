/** Outlives a cluster's owner and removes the cluster when the owner's end of the pipe closes, unless it was told to let go. */
import { removeCluster } from '../remove-cluster.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: main.ts FOLDER');
process.stdin.on('error', () => undefined);
process.stdin.once('data', () => process.exit(0));
process.stdin.once('close', () => void removeCluster(folder));
