/** The driver of faults that happen once. Each is journaled before it is done, and is never done again after a crash. */
import { findAction, parseParameters } from '@chaosplane/actions';
import { KeyedMutex } from '@chaosplane/common';
import type { Measured, OneShotTools, ResolvedTarget } from '../../../faults/fault.ts';
import { faultOfDriver } from '../../../faults/registry.ts';
import type { EvidenceRecord, RecordOf } from '../../../journal/record.ts';
import { targetIdentity, targetKey, targetName } from '../../target/name.ts';
import { resolveTarget } from '../../target/resolve.ts';
import { requireCapabilities } from '../../capabilities.ts';
import { logFields, type DriverContext } from '../../context.ts';
import type { RecordChange, Driver, Session } from '../driver.ts';

type OneShotRecord = RecordOf<'one-shot'>;

export function oneShotDriver(context: DriverContext): Driver<'one-shot'> {
  const { host } = context;
  const mutex = new KeyedMutex();
  return {
    async find(request) {
      const fault = faultOfDriver('one-shot', request.action.name);
      fault.require?.(request.spec, context.config.node ?? { allowNodeRestart: false });
      const target = await resolveTarget(host, fault.target(request.spec), request.pod);
      const key = targetKey(target);
      return {
        identity: targetIdentity(target),
        name: targetName(target),
        key,
        enter: (work) => mutex.run(key, () => work(sessionFor(context, target))),
      };
    },
    keyOf: ({ target }) => targetKey(target),
    revisit: ({ target }, work) => mutex.run(targetKey(target), () => work(sessionFor(context, target))),
    isHidden: async () => false,
    endingUnseen: (record) => endingOf(context, record),
    gone: async () => [],
    hasOpenResources: () => false,
    releaseGone: async () => undefined,
    sweepOrphans: async () => ({ found: [], complete: true }),
    close: async () => undefined,
  };
}

function sessionFor(context: DriverContext, target: ResolvedTarget): Session<'one-shot'> {
  return {
    async plan({ action }) {
      const { engine, needs } = faultOfDriver('one-shot', action.name);
      requireCapabilities(await context.host.capabilities(), needs, action.name);
      return { target, work: { shape: 'act', engine }, notes: [] };
    },
    preview: (_planned, _ttlMs, { action, spec }) => faultOfDriver('one-shot', action.name).steps(spec, target),
    async apply(record) {
      const measured = await faultOfDriver('one-shot', record.action).run(
        specOf(record),
        target,
        toolsFor(context, record),
      );
      return { evidence: evidenceOf(context, record, measured) };
    },
    // What happened cannot be taken back, and nothing of it is left.
    remove: async () => undefined,
    renew: async () => new Map(),
    async restore(_kept, dropped) {
      const changed = new Map<string, RecordChange>();
      for (const record of dropped) changed.set(record.id, await endingOf(context, record));
      return changed;
    },
    measure: async (record) => record.evidence,
  };
}

/** All that a fault logs has the fields of its execution. */
function toolsFor({ host, clock, logger }: DriverContext, record: OneShotRecord): OneShotTools {
  return { host, clock, logger: logger.child(logFields(record)) };
}

const NOT_KNOWN = 'the daemon was killed while it did this: whether it happened is not known, and it is not done again';

/** What became of a fault that a daemon had begun when it was killed. */
async function endingOf(
  context: DriverContext,
  record: OneShotRecord,
): Promise<RecordChange & { readonly endReason: 'done' | 'swept' }> {
  const { outcome } = faultOfDriver('one-shot', record.action);
  const measured = await outcome?.(specOf(record), record.target, record, toolsFor(context, record));
  if (measured === undefined) return { endReason: 'swept', notes: [NOT_KNOWN] };
  return { endReason: 'done', evidence: evidenceOf(context, record, measured) };
}

function evidenceOf({ clock }: DriverContext, { work }: OneShotRecord, measured: Measured): EvidenceRecord {
  return { ...measured, counters: { ...measured.counters }, engine: work.engine, gatheredAt: clock.now() };
}

/** The spec is not journaled: the parameters say the same again. */
function specOf({ action, parameters }: OneShotRecord): unknown {
  return parseParameters(findAction(action), parameters, { target: 'required' });
}
