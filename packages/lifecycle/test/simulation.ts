/** An experiment that is decided step by step, against daemons that are simulated. */
import {
  initialStatus,
  isFinal,
  parseExperiment,
  withTargets,
  type ExperimentSpec,
  type ExperimentStatus,
  type Phase,
  type TargetEvidence,
  type TargetStatus,
} from '@chaosplane/api';
import { decide } from '../src/experiment/decide.ts';
import type { Decision, Observation, ObservedExecution, ProbeOutcome } from '../src/experiment/observation.ts';
import type { Candidate } from '../src/experiment/select.ts';
import { noSamples, withSample } from '../src/samples/fold.ts';

/** A spec of three pods, with what differs. */
export const specOf = (change: object = {}): ExperimentSpec =>
  parseExperiment(
    {
      apiVersion: 'chaos.chaosplane.io/v1alpha1',
      kind: 'ChaosExperiment',
      metadata: { name: 'slow' },
      spec: {
        target: { names: ['a', 'b', 'c'], mode: 'all' },
        action: { type: 'network-delay', parameters: { latency: '100ms' } },
        duration: '10s',
        ...change,
      },
    },
    'cluster',
  ).spec;

const pods: Candidate[] = ['a', 'b', 'c'].map((name) => ({
  namespace: 'default',
  name,
  uid: `uid-${name}`,
  labels: {},
  running: true,
  hostNetwork: false,
}));

/** A simulation of a cluster: daemons that obey or not, and a clock that jumps to the time that is waited for. */
export class Simulation {
  now = 0;
  status: ExperimentStatus = initialStatus;
  readonly executions = new Map<string, ObservedExecution>();
  readonly phases: Phase[] = ['Pending'];
  readonly injections: string[] = [];
  readonly extended: number[] = [];
  observation: Partial<Observation> = {};
  /** What every daemon says of the effect. */
  effect: TargetEvidence['verdict'] = 'Verified';
  /** What the probes of each side say. */
  outcome: (side: 'before' | 'after') => ProbeOutcome = () => ({ outcome: 'pass', message: 'ok', tookMs: 1 });
  /** What a sample says that begins at that time, of every probe that is sampled each second; undefined: none is taken. */
  samples: (at: number, status: ExperimentStatus) => ProbeOutcome | undefined = () => undefined;
  #sampledAt = -1000;
  /** Whether a target can be injected. */
  injects: (uid: string) => boolean = () => true;
  /** Whether a cancel ends the execution. */
  recovers: () => boolean = () => true;

  readonly spec: ExperimentSpec;

  constructor(wanted: ExperimentSpec) {
    this.spec = wanted;
  }

  step(): Decision {
    this.#sample();
    const decision = decide(
      {
        spec: this.spec,
        status: this.status,
        candidates: pods,
        seed: 1,
        executions: this.executions,
        ...this.observation,
      },
      this.now,
    );
    this.#act(decision);
    return decision;
  }

  run(limit = 500, until: () => boolean = () => isFinal(this.status)): void {
    for (let steps = 0; !until(); steps++) {
      if (steps > limit) throw new Error(`it did not end; it is in ${this.status.phase}`);
      this.step();
    }
  }

  #act(decision: Decision): void {
    switch (decision.kind) {
      case 'advance':
        this.#set(decision.status);
        break;
      case 'inject':
        for (const target of decision.targets) this.#inject(target);
        break;
      case 'extend':
        this.extended.push(decision.ttlMs);
        this.#set(decision.status);
        break;
      case 'cancel':
        this.now += 1000;
        for (const id of decision.executionIds)
          if (this.recovers()) this.executions.set(id, { live: false, endReason: 'cancelled' });
        break;
      case 'wait':
        this.now = Math.max(this.now + 1, decision.until);
        break;
      case 'probe':
        this.now += 1000;
        this.observation = { ...this.observation, [decision.side]: this.outcome(decision.side) };
        break;
      case 'preview':
      case 'done':
        break;
    }
  }

  #sample(): void {
    const { during } = this.spec.steadyState;
    let samples = this.observation.samples ?? during.map((_probe, index) => noSamples(`probe ${index + 1}`));
    for (let at = this.#sampledAt + 1000; at <= this.now; at += 1000) {
      this.#sampledAt = at;
      const outcome = this.samples(at, this.status);
      if (outcome !== undefined)
        samples = samples.map((known) => withSample(known, { ...outcome, begunAt: at }, this.status));
    }
    if (during.length > 0) this.observation = { ...this.observation, samples };
  }

  #set(status: ExperimentStatus): void {
    if (status.phase !== this.status.phase) this.phases.push(status.phase);
    this.status = status;
  }

  #inject({ uid }: TargetStatus): void {
    this.now += 100;
    if (!this.injects(uid)) {
      this.status = withTargets(this.status, new Map([[uid, { state: 'Missed', message: 'refused' }]]));
      return;
    }
    this.injections.push(uid);
    const executionId = `x-${uid}`;
    this.executions.set(executionId, {
      live: true,
      evidence: { verdict: this.effect, engine: 'nft', summary: '', counters: {}, notes: [] },
    });
    this.status = withTargets(this.status, new Map([[uid, { state: 'Injected', executionId, injectedAt: this.now }]]));
  }
}
