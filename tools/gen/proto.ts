/** What buf does for us: TypeScript from the proto, its style, and the promise to old clients. */
import { execFile } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { staleFiles } from './stale.ts';

const execFileAsync = promisify(execFile);

/** Where buf.gen.yaml puts what it generates. */
const GENERATED = 'packages/proto/src/gen';

type Environment = Readonly<Record<string, string | undefined>>;

/** Runs buf in `root`; its plugins need the node of the repository first in the path. */
async function buf(root: string, environment: Environment, argv: readonly string[]): Promise<void> {
  const binaries = join(root, 'node_modules', '.bin');
  const path = [binaries, environment['PATH'] ?? ''].join(delimiter);
  await execFileAsync(join(binaries, 'buf'), [...argv], { cwd: root, env: { ...environment, PATH: path } });
}

/** Generates the TypeScript of the proto below `output`. */
export async function generateProto(root: string, output: string, environment: Environment): Promise<void> {
  await buf(root, environment, ['generate', '--output', output]);
}

/** Files of the generated TypeScript that differ from what buf makes, into the empty `folder`, now. */
export async function staleProto(root: string, folder: string, environment: Environment): Promise<string[]> {
  await generateProto(root, folder, environment);
  return (await staleFiles(join(root, GENERATED), join(folder, GENERATED))).map((file) => join(GENERATED, file));
}

/** What `buf lint` and `buf breaking`, against the first public contract, have to say; empty when nothing. */
export async function checkProto(root: string, environment: Environment): Promise<string[]> {
  const checks = [['lint'], ['breaking', '--against', 'tools/gen/baseline']];
  const complaints = await Promise.all(checks.map((argv) => complaintOf(buf(root, environment, argv))));
  return complaints.flat();
}

async function complaintOf(run: Promise<void>): Promise<string[]> {
  try {
    await run;
    return [];
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const said = `${stdout}${stderr}`.trim();
    return [said === '' ? String(error) : said];
  }
}
