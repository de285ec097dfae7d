/** What the engine asks of a driver of faults: how to find and reach a target, and what to do there. One folder for each driver. */
import { ChaosError } from '@chaosplane/common';
import {
  driverNameOf,
  type DriverName,
  type EndReason,
  type EvidenceRecord,
  type ExecutionRecord,
  type RecordOf,
} from '../../journal/record.ts';
import type { RecordChange } from '../executions.ts';
import type { ParsedRequest } from '../parse.ts';
import type { Peers } from '../peers.ts';
import type { PlanStep } from '../../model/plan-step.ts';

export type { RecordChange } from '../executions.ts';

/** What would be done, and to which target. */
export interface Planned<Name extends DriverName> {
  readonly target: RecordOf<Name>['target'];
  readonly work: RecordOf<Name>['work'];
  /** What a reader of the evidence has to know about this way of doing it. */
  readonly notes: readonly string[];
}

/** An injection that failed, and of which something may still be there: the record is kept, and its undo is tried again. */
export class HalfAppliedError extends ChaosError {}

/** Exclusive access to one target: no other session works there meanwhile. */
export interface Session<Name extends DriverName> {
  /** Decides how the fault is carried out here. Changes nothing. @throws ChaosError FAILED_PRECONDITION with the way out. */
  plan(request: ParsedRequest, id: string): Promise<Planned<Name>>;
  /** What `apply` would do for `ttlMs`, step by step. Changes nothing. */
  preview(planned: Planned<Name>, ttlMs: number, request: ParsedRequest): readonly PlanStep[];
  /**
   * Brings the effect about; the record is journaled as `applying`. When it fails, it undoes what it did.
   * @throws ChaosError; a HalfAppliedError when that undo failed too.
   */
  apply(record: RecordOf<Name>): Promise<RecordChange>;
  /** Takes the effect away; that there is none is success. Leaves other faults of the target as they are. */
  remove(record: RecordOf<Name>): Promise<void>;
  /** What is new about a record whose effect was just removed; its notes are added. Absent: never anything. */
  aftermath?(record: RecordOf<Name>): RecordChange;
  /**
   * Moves deadlines, and what else is new in the records, to where these and the lease say. Returns what else is new, by id;
   * notes are added.
   */
  renew(records: readonly RecordOf<Name>[]): Promise<ReadonlyMap<string, RecordChange>>;
  /**
   * For the sweep: afterwards `kept` are in force and nothing of `dropped` is left.
   * Returns what is new about them by id, notes are added; one that got an `endReason` has ended.
   */
  restore(
    kept: readonly RecordOf<Name>[],
    dropped: readonly RecordOf<Name>[],
  ): Promise<ReadonlyMap<string, RecordChange>>;
  /** What is measured of the effect, not before `since` (monotonic; default: now); undefined when the kernel does not tell. */
  measure(record: RecordOf<Name>, since?: number): Promise<EvidenceRecord | undefined>;
}

/** The change with the notes of the record, then `more`, then those that it has itself: a driver says only what is new. */
export function withNotes(record: ExecutionRecord, change: RecordChange, more: readonly string[] = []): RecordChange {
  return { ...change, notes: [...record.notes, ...more, ...(change.notes ?? [])] };
}

/** What is written of an execution that has ended. */
export type EndingChange = RecordChange & { readonly endReason: EndReason };

/** The target of a request. */
export interface FoundTarget<Name extends DriverName> {
  /** Identifies the target among all targets of all nodes; two requests with different identities are different. */
  readonly identity: string;
  /** As people know it: `pod default/web`. */
  readonly name: string;
  /** Equal to `keyOf` of every record with this target. */
  readonly key: string;
  /** Waits until no other session works on the target, then runs `work`. */
  enter<T>(work: (session: Session<Name>) => Promise<T>): Promise<T>;
}

/** One driver of faults. */
export interface Driver<Name extends DriverName> {
  /**
   * Finds the target of a request. Changes nothing.
   * @throws ChaosError NOT_FOUND when there is none, FAILED_PRECONDITION when it cannot be hit.
   */
  find(request: ParsedRequest): Promise<FoundTarget<Name>>;
  /** Sessions of records with the same key run one after another. */
  keyOf(record: RecordOf<Name>): string;
  /** Waits until no other session works on the record's target, then runs `work`; undefined when the target no longer exists. */
  revisit<T>(record: RecordOf<Name>, work: (session: Session<Name>) => Promise<T>): Promise<T | undefined>;
  /** Whether a target that `revisit` did not find exists and cannot be reached at the moment. */
  isHidden(record: RecordOf<Name>): Promise<boolean>;
  /** The work of the record with other peers of the options. Absent: faults of this driver have no peers. */
  withPeers?(record: RecordOf<Name>, peers: Peers): RecordOf<Name>['work'];
  /** What is recorded of an execution whose target is gone, or that began before the node booted. */
  endingUnseen(record: RecordOf<Name>): EndingChange | Promise<EndingChange>;
  /** Of the live records, those whose target is gone. `ready`: the ids of the sandboxes that run. */
  gone(live: readonly RecordOf<Name>[], ready: ReadonlySet<string>): Promise<readonly RecordOf<Name>[]>;
  /** Called every second while there are live records: begins to look up what they depend on outside of the node. */
  refresh?(live: readonly RecordOf<Name>[]): void;
  /** Whether the driver holds resources of targets open, with or without a live record. */
  hasOpenResources(): boolean;
  /** Releases the resources of targets that are gone. */
  releaseGone(ready: ReadonlySet<string>): Promise<void>;
  /** For the sweep: removes what ChaosPlane left behind without a record. Returns where that was. */
  sweepOrphans(live: readonly RecordOf<Name>[]): Promise<Orphans>;
  /** Releases everything. Effects that outlive a daemon stay. */
  close(): Promise<void>;
}

/** What a search for orphans found. */
export interface Orphans {
  readonly found: readonly string[];
  /** Whether everything could be searched. */
  readonly complete: boolean;
}

/** The drivers by name. */
export type Drivers = { readonly [Name in DriverName]: Driver<Name> };

/** Erases the type parameter. Callers pass only plans and records that this driver made. */
export function driverNamed(drivers: Drivers, name: DriverName): Driver<DriverName> {
  return drivers[name] as unknown as Driver<DriverName>;
}

/** The driver of a record's fault. */
export function driverOf(drivers: Drivers, record: ExecutionRecord): Driver<DriverName> {
  return driverNamed(drivers, driverNameOf(record));
}

/** The records in groups with the same target. */
export function byTarget(drivers: Drivers, records: readonly ExecutionRecord[]): ExecutionRecord[][] {
  const groups = Map.groupBy(records, (record) => `${driverNameOf(record)} ${driverOf(drivers, record).keyOf(record)}`);
  return [...groups.values()];
}
