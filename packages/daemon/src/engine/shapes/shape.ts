/** What the engine asks of a shape of faults: how to reach a target of it, and what can be done there. One file for each. */
import { ChaosError } from '@chaosplane/common';
import type { EndReason, EvidenceRecord, ExecutionRecord, RecordOf, ShapeName } from '../../journal/record.ts';
import type { Change } from '../executions.ts';
import type { ParsedRequest } from '../parse.ts';
import type { Peers } from '../peers.ts';
import type { PlanStep } from '../../model/plan-step.ts';

export type { Change } from '../executions.ts';

/** What would be carried out, and on whom. */
export interface Planned<Name extends ShapeName> {
  readonly target: RecordOf<Name>['target'];
  readonly work: RecordOf<Name>['work'];
  /** What a reader of the evidence has to know about this way of doing it. */
  readonly notes: readonly string[];
}

/** An injection that failed, and of which something may still be there: the record is kept, and its undo is tried again. */
export class HalfAppliedError extends ChaosError {}

/** A target whose turn it is. Nobody else works there meanwhile. */
export interface Site<Name extends ShapeName> {
  /** Decides how the fault is carried out here. Changes nothing. @throws ChaosError FAILED_PRECONDITION with the way out. */
  plan(request: ParsedRequest, id: string): Promise<Planned<Name>>;
  /** What `apply` would do for `ttlMs`, step by step. Changes nothing. */
  preview(planned: Planned<Name>, ttlMs: number, request: ParsedRequest): readonly PlanStep[];
  /**
   * Brings the effect about; the record is journaled as `applying`. When it fails, it undoes what it did.
   * @throws ChaosError; a HalfAppliedError when that undo failed too.
   */
  apply(record: RecordOf<Name>): Promise<Change>;
  /** Takes the effect away; that there is none is success. Leaves what others do here as it is. */
  remove(record: RecordOf<Name>): Promise<void>;
  /** What is new about a record whose effect was just taken away; notes are added. Absent: nothing ever is. */
  aftermath?(record: RecordOf<Name>): Change;
  /**
   * Moves deadlines, and what else is new in the records, to where these and the lease say. Returns what else is new, by id;
   * notes are added.
   */
  renew(records: readonly RecordOf<Name>[]): Promise<ReadonlyMap<string, Change>>;
  /**
   * For the sweep: `kept` are in force afterwards, nothing of `dropped` is left, whatever was there.
   * Returns what is new about them by id, notes are added; one that got an `endReason` has ended.
   */
  restore(kept: readonly RecordOf<Name>[], dropped: readonly RecordOf<Name>[]): Promise<ReadonlyMap<string, Change>>;
  /** What is measured of the effect now; undefined when the kernel does not tell. */
  measure(record: RecordOf<Name>): Promise<EvidenceRecord | undefined>;
}

/** The change with the notes of the record, then `more`, then those that it has itself: a shape only says what is new. */
export function withNotes(record: ExecutionRecord, change: Change, more: readonly string[] = []): Change {
  return { ...change, notes: [...record.notes, ...more, ...(change.notes ?? [])] };
}

/** What is written of an execution that has ended. */
export type Ending = Change & { readonly endReason: EndReason };

/** Whom a request means. */
export interface Found<Name extends ShapeName> {
  /** What tells this target from any other on any node: part of what makes two requests the same. */
  readonly subject: string;
  /** As people know it: `pod default/web`. */
  readonly name: string;
  /** Equal to `siteOf` of the records of this very target. */
  readonly site: string;
  /** Runs `work` there when its turn comes. */
  enter<T>(work: (site: Site<Name>) => Promise<T>): Promise<T>;
}

/** One shape of faults. */
export interface Shape<Name extends ShapeName> {
  /**
   * Finds whom a request means. Changes nothing.
   * @throws ChaosError NOT_FOUND when nobody, FAILED_PRECONDITION when it cannot be hit.
   */
  find(request: ParsedRequest): Promise<Found<Name>>;
  /** Records of one site take turns. */
  siteOf(record: RecordOf<Name>): string;
  /** Runs `work` at the very target of the record when its turn comes; undefined when that target no longer exists. */
  revisit<T>(record: RecordOf<Name>, work: (site: Site<Name>) => Promise<T>): Promise<T | undefined>;
  /** Whether a target that `revisit` did not find is there all the same, and only cannot be reached at the moment. */
  isHidden(record: RecordOf<Name>): Promise<boolean>;
  /** The work of the record with other peers of the options. Absent: faults of this shape have no peers. */
  withPeers?(record: RecordOf<Name>, peers: Peers): RecordOf<Name>['work'];
  /** What is to be said of an execution whose target is no more, or of before the node booted. */
  endingUnseen(record: RecordOf<Name>): Ending | Promise<Ending>;
  /** Of the live records, those whose target is gone. `ready`: the ids of the sandboxes that run. */
  gone(live: readonly RecordOf<Name>[], ready: ReadonlySet<string>): Promise<readonly RecordOf<Name>[]>;
  /** Called every second while there are live records: begins to look at what they depend on outside of the node. */
  follow?(live: readonly RecordOf<Name>[]): void;
  /** Whether anything is held open for targets, also without a live record. */
  holds(): boolean;
  /** Gives back what is held for targets that are no longer there. */
  letGo(ready: ReadonlySet<string>): Promise<void>;
  /** For the sweep: removes our marks that no record speaks of. Returns where they were. */
  sweepOrphans(live: readonly RecordOf<Name>[]): Promise<Orphans>;
  /** Lets go of everything; effects stay, as far as they outlive a daemon. */
  close(): Promise<void>;
}

/** What a search for marks without a record came to. */
export interface Orphans {
  readonly found: readonly string[];
  /** Whether everything could be searched. */
  readonly complete: boolean;
}

/** The shapes, each under its name. */
export type Shapes = { readonly [Name in ShapeName]: Shape<Name> };

/** The shape of that name, for whoever does not care which: it is given nothing but its own plans and records. */
export function shapeNamed(shapes: Shapes, name: ShapeName): Shape<ShapeName> {
  return shapes[name] as unknown as Shape<ShapeName>;
}

/** The shape of a record's fault. */
export function shapeOf(shapes: Shapes, record: ExecutionRecord): Shape<ShapeName> {
  return shapeNamed(shapes, record.work.shape);
}

/** The records in groups that take turns together. */
export function bySite(shapes: Shapes, records: readonly ExecutionRecord[]): ExecutionRecord[][] {
  const groups = Map.groupBy(records, (record) => `${record.work.shape} ${shapeOf(shapes, record).siteOf(record)}`);
  return [...groups.values()];
}
