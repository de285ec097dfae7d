/** Says in words why a target is gone, as its container runtime tells it: part of the evidence of what ended with it. */
import type { ContainerDetail, Host } from '../contract/host.ts';
import type { EvidenceRecord, ExecutionRecord } from '../journal/record.ts';
import { logFields, type DriverContext } from './context.ts';
import { podName } from './target/name.ts';

/** How long the runtime has to notice an end that the kernel has shown already. */
const NOTICE_MS = 2000;
/** How long after its container a pod may end: a kubelet that deletes a pod ends its containers first. */
const POD_MS = 1000;
const ASK_EVERY_MS = 100;

/** Undefined when nothing is known about it. */
export async function whyGone(
  { host, clock, logger }: Pick<DriverContext, 'host' | 'clock' | 'logger'>,
  record: ExecutionRecord,
): Promise<string | undefined> {
  const { bootId, target } = record;
  if (bootId !== host.bootId) return 'the node has booted since';
  if (target.kind === 'node') return undefined;
  let containers: string[] = [];
  try {
    // Of a network, the sandbox is all that there is to ask about; of a container, the exit comes a moment after its last process.
    let deadline = target.kind === 'containers' ? clock.monotonic() + NOTICE_MS : -Infinity;
    for (;;) {
      if (containers.length === 0) {
        const { words, at } = await containersOf(host, target);
        containers = words;
        if (words.length > 0) deadline = Math.min(deadline, clock.monotonic() + POD_MS - (clock.now() - at));
      }
      const pod = await podOf(host, target);
      if (pod.length > 0 || clock.monotonic() >= deadline) return joined([...containers, ...pod]);
      await clock.sleep(ASK_EVERY_MS);
    }
  } catch (error) {
    logger.warn({ ...logFields(record), err: error }, 'why a target is gone is not known');
    return joined(containers);
  }
}

const joined = (words: readonly string[]): string | undefined => (words.length === 0 ? undefined : words.join('; '));

/** The evidence with the words behind its summary. */
export function withEnd(evidence: EvidenceRecord, words: string): EvidenceRecord {
  return { ...evidence, summary: `${evidence.summary}; ${words}` };
}

type RecordedPod = Exclude<ExecutionRecord['target'], { kind: 'node' }>;

async function podOf({ runtime }: Host, target: RecordedPod): Promise<string[]> {
  const sandbox = await runtime.sandbox(target.sandboxId);
  if (sandbox === undefined) return [`${podName(target)} was deleted`];
  return sandbox.ready ? [] : [`${podName(target)} was stopped`];
}

/** What became of the containers, and the time of the last exit. */
async function containersOf({ runtime }: Host, target: RecordedPod): Promise<{ words: string[]; at: number }> {
  if (target.kind !== 'containers') return { words: [], at: 0 };
  const details = await Promise.all(target.containers.map(({ id }) => runtime.container(id)));
  const words = target.containers.flatMap(({ name }, index) => {
    const detail = details[index];
    return detail === undefined ? [`container ${name} was removed`] : exitOf(detail);
  });
  return { words, at: Math.max(0, ...details.map((detail) => detail?.finishedAt ?? 0)) };
}

/** With the signal that an exit code above 128 stands for, which is what people look for. */
function exitOf({ name, exitCode, finishedAt, state }: ContainerDetail): string[] {
  if (state !== 'exited' || exitCode === undefined) return [];
  const signal = { 137: ' (SIGKILL)', 143: ' (SIGTERM)', 139: ' (SIGSEGV)', 134: ' (SIGABRT)' }[exitCode] ?? '';
  const at = finishedAt === undefined ? '' : ` at ${new Date(finishedAt).toISOString()}`;
  return [`container ${name} ended with exit code ${exitCode}${signal}${at}`];
}
