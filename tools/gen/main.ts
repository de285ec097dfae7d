/**
 * `npm run gen`: everything that is generated and committed. `--verify` only compares, `--lint` only checks the proto;
 * both exit 1 and say what is wrong.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { staleChartValues, writeChartValues } from './chart-values.ts';
import { staleLists, writeLists } from './lists.ts';
import { checkProto, generateProto, staleProto } from './proto.ts';
import { staleRights, writeRights } from './rights.ts';

const root = join(import.meta.dirname, '..', '..');
const mode = process.argv[2] ?? 'write';

async function verify(): Promise<string[]> {
  const { staleActionDocs, staleCrds, staleResourceDocs } = await catalogueOutputs();
  const folder = await mkdtemp(join(tmpdir(), 'chaosplane-gen-'));
  try {
    return [
      ...(await staleProto(root, folder, process.env)),
      ...(await staleLists(root)),
      ...(await staleChartValues(root)),
      ...(await staleRights(root)),
      ...(await staleActionDocs(root)),
      ...(await staleCrds(root)),
      ...(await staleResourceDocs(root)),
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** These read the catalogue, which must be generated before it is imported. */
async function catalogueOutputs() {
  const [docs, crds, resources] = await Promise.all([
    import('./action-docs.ts'),
    import('./crd/crds.ts'),
    import('./resource-docs.ts'),
  ]);
  return { ...docs, ...crds, ...resources };
}

async function writeFromCatalogue(): Promise<void> {
  const { actionDocs, writeActionDocs, crdFiles, writeCrds, writeResourceDocs } = await catalogueOutputs();
  await writeActionDocs(root, actionDocs());
  await writeCrds(root, crdFiles());
  await writeResourceDocs(root);
}

async function run(): Promise<string[]> {
  switch (mode) {
    case 'write':
      await generateProto(root, root, process.env);
      await writeLists(root);
      await writeChartValues(root);
      await writeRights(root);
      await writeFromCatalogue();
      return [];
    case '--verify':
      return (await verify()).map((file) => `${file} is not what the generator makes: run npm run gen`);
    case '--lint':
      return checkProto(root, process.env);
    default:
      return [`unknown option ${mode}; known: --verify, --lint`];
  }
}

const wrong = await run();
for (const line of wrong) process.stderr.write(`${line}\n`);
process.exitCode = wrong.length === 0 ? 0 : 1;
