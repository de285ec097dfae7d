/** Outlives the test bed's owner and tears the test bed down when the owner's end of the pipe closes. */
import { removeTestbed } from '../remove-testbed.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: main.ts FOLDER');
process.stdin.resume();
process.stdin.on('error', () => undefined);
process.stdin.once('close', () => {
  void removeTestbed(folder);
});
