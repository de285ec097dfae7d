/** `node tools/vm/main.ts [--backports] -- COMMAND…`: runs a command in the virtual machine, with its output and its exit code. */
import { whyNoVm } from './kernel.ts';
import { runInVm } from './vm.ts';

const words = process.argv.slice(2);
const release = words[0] === '--backports' ? 'backports' : 'stable';
const rest = words.slice(release === 'backports' ? 1 : 0);
const argv = rest[0] === '--' ? rest.slice(1) : rest;
const why = argv.length === 0 ? 'usage: node tools/vm/main.ts [--backports] -- COMMAND…' : await whyNoVm();
if (why === undefined) {
  const { exitCode } = await runInVm(argv, {
    release,
    timeoutMs: 3_600_000,
    onOutput: (text, stream) => process[stream].write(text),
    onReport: (line) => process.stderr.write(`${line}\n`),
  });
  process.exitCode = exitCode;
} else {
  process.stderr.write(`${why}\n`);
  process.exitCode = 2;
}
