/** The shape of faults that happen once: journaled before, done, over; never done again after a crash half-way. */
import { findAction, parseParameters } from '@chaosplane/actions';
import type { ActFault, ActTarget, Fault, Hands, Measured } from '../../faults/fault.ts';
import { faultOf } from '../../faults/registry.ts';
import type { EvidenceRecord, RecordOf } from '../../journal/record.ts';
import { findAim, siteOfTarget } from '../aim.ts';
import { requireCapabilities } from '../capabilities.ts';
import { logFields, type ShapeContext } from '../context.ts';
import { subjectOf, targetName } from '../target.ts';
import { Turns } from '../turns.ts';
import type { Change, Shape, Site } from './shape.ts';

type ActRecord = RecordOf<'act'>;

export function actShape(context: ShapeContext): Shape<'act'> {
  const { host } = context;
  const turns = new Turns();
  return {
    async find(request) {
      const fault = actFaultOf(request.action.name);
      fault.require?.(request.spec as never, context.config.node ?? { allowNodeRestart: false });
      const target = await findAim(host, fault.aim(request.spec as never), request.pod);
      const site = siteOfTarget(target);
      return {
        subject: subjectOf(target),
        name: targetName(target),
        site,
        enter: (work) => turns.take(site, () => work(siteFor(context, target))),
      };
    },
    siteOf: ({ target }) => siteOfTarget(target),
    revisit: ({ target }, work) => turns.take(siteOfTarget(target), () => work(siteFor(context, target))),
    isHidden: async () => false,
    endingUnseen: (record) => endingOf(context, record),
    gone: async () => [],
    holds: () => false,
    letGo: async () => undefined,
    sweepOrphans: async () => ({ found: [], complete: true }),
    close: async () => undefined,
  };
}

function siteFor(context: ShapeContext, target: ActTarget): Site<'act'> {
  return {
    async plan({ action }) {
      const { engine, needs } = actFaultOf(action.name);
      requireCapabilities(await context.host.capabilities(), needs, action.name);
      return { target, work: { shape: 'act', engine }, notes: [] };
    },
    preview: (_planned, _ttlMs, { action, spec }) => actFaultOf(action.name).steps(spec as never, target),
    async apply(record) {
      const measured = await actFaultOf(record.action).act(specOf(record) as never, target, handsFor(context, record));
      return { evidence: evidenceOf(context, record, measured) };
    },
    // What happened cannot be taken back, and nothing of it is left.
    remove: async () => undefined,
    renew: async () => new Map(),
    async restore(_kept, dropped) {
      const changed = new Map<string, Change>();
      for (const record of dropped) changed.set(record.id, await endingOf(context, record));
      return changed;
    },
    measure: async (record) => record.evidence,
  };
}

/** Whatever an act logs can be found by its execution. */
function handsFor({ host, clock, logger }: ShapeContext, record: ActRecord): Hands {
  return { host, clock, logger: logger.child(logFields(record)) };
}

const NOT_KNOWN = 'the daemon was killed while it did this: whether it happened is not known, and it is not done again';

/** What became of an act that a daemon had begun when it was killed. */
async function endingOf(
  context: ShapeContext,
  record: ActRecord,
): Promise<Change & { readonly endReason: 'done' | 'swept' }> {
  const { outcome } = actFaultOf(record.action);
  const measured = await outcome?.(specOf(record) as never, record.target, record, handsFor(context, record));
  if (measured === undefined) return { endReason: 'swept', notes: [NOT_KNOWN] };
  return { endReason: 'done', evidence: evidenceOf(context, record, measured) };
}

function evidenceOf({ clock }: ShapeContext, { work }: ActRecord, measured: Measured): EvidenceRecord {
  return { ...measured, counters: { ...measured.counters }, engine: work.engine, gatheredAt: clock.now() };
}

/** The spec is not journaled: the parameters say the same again. */
function specOf({ action, parameters }: ActRecord): unknown {
  return parseParameters(findAction(action), parameters, { target: 'required' });
}

function actFaultOf(action: string): ActFault<never> {
  const fault: Fault<never> = faultOf(action);
  if (fault.shape === 'act') return fault;
  throw new Error(`${action} is not done once`);
}
