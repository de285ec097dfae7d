/** A process that owns a test bed with one pod, says where, and waits to be killed. */
import { createTestbed } from '../../src/index.ts';

const testbed = await createTestbed();
await testbed.runPod({ name: 'a', containers: [{ name: 'app', args: ['serve'] }] });
console.log(testbed.folder);
process.stdin.resume();
