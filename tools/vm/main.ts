/** `node tools/vm/main.ts -- COMMAND…`: runs a command in the virtual machine, with its output and its exit code. */
import { whyNoVm } from './kernel.ts';
import { runInVm } from './vm.ts';

const argv = process.argv.slice(process.argv[2] === '--' ? 3 : 2);
const why = argv.length === 0 ? 'usage: node tools/vm/main.ts -- COMMAND…' : await whyNoVm();
if (why === undefined) {
  const { exitCode } = await runInVm(argv, {
    timeoutMs: 3_600_000,
    onOutput: (text, stream) => process[stream].write(text),
    onReport: (line) => process.stderr.write(`${line}\n`),
  });
  process.exitCode = exitCode;
} else {
  process.stderr.write(`${why}\n`);
  process.exitCode = 2;
}
