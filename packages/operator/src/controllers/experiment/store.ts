/** Where the state of an experiment is kept: its status, and the shards that hold all its targets. */
import { defined, type Clock } from '@chaosplane/common';
import {
  shardsOf,
  statusDocument,
  statusFrom,
  type ExperimentStatus,
  type TargetDocument,
  chaosExperiments,
  chaosExperimentShards,
  EXPERIMENT_UID_LABEL,
  FINALIZER,
  type ExperimentObject,
  type ShardObject,
} from '@chaosplane/api';
import type { KubeClient } from '@chaosplane/kube';
import { FIELD_MANAGER } from '../../field-manager.ts';
import { shardName, shardNumber } from '../shards.ts';

/** An experiment with everything that was written down of it. */
export interface Stored {
  readonly object: ExperimentObject;
  /** In order. */
  readonly shards: readonly ShardObject[];
  readonly status: ExperimentStatus;
  /** The shards do not hold what the status counts: another program changed or deleted them, and more may be hit than is known. */
  readonly incomplete: boolean;
}

/** Reads and writes; a write after that of another program fails with a conflict. */
export interface Store {
  load(object: ExperimentObject, signal: AbortSignal): Promise<Stored>;
  /** Writes what has changed: the shards first, so that a status never speaks of targets that are not there. */
  save(stored: Stored, status: ExperimentStatus, signal: AbortSignal): Promise<Stored>;
}

/** A store over the API server. */
export function createStore(client: KubeClient, clock: Clock): Store {
  async function writeShards(stored: Stored, status: ExperimentStatus, signal: AbortSignal) {
    // A namespace that is deleted takes no new ones.
    if (stored.incomplete) return stored.shards;
    const wanted = shardsOf(status.targets);
    // Before anything was chosen there is nothing to keep: what is there is the draft of an operator that crashed before it wrote the status.
    const known = stored.status.phase === 'Pending' ? [] : stored.shards;
    if (known.length === 0) {
      for (const { metadata } of stored.shards) {
        const { uid } = metadata;
        await client.delete(chaosExperimentShards, metadata, { ...defined({ uid }), signal });
      }
    }
    return Promise.all(
      wanted.map(async (targets, index) => {
        const before = known[index];
        if (before === undefined)
          return client.create(chaosExperimentShards, shardObject(stored.object, index, targets), { signal });
        if (JSON.stringify(before.targets) === JSON.stringify(targets)) return before;
        return client.replace(chaosExperimentShards, { ...before, targets }, { signal });
      }),
    );
  }

  return {
    async load(found, signal) {
      if (isUntouched(found))
        return { object: found, shards: [], incomplete: false, status: statusFrom(undefined, []) };
      const object = asNew(found);
      const { namespace = '', uid = '' } = object.metadata;
      const { items } = await client.list(chaosExperimentShards, {
        namespace,
        labelSelector: `${EXPERIMENT_UID_LABEL}=${uid}`,
        signal,
      });
      const shards = items.toSorted((a, b) => shardNumber(a.metadata) - shardNumber(b.metadata));
      // Chosen, but not written into the status: not chosen.
      const chosen = object.status?.phase === undefined || object.status.phase === 'Pending' ? [] : shards;
      const listed = chosen.flatMap((shard) => shard.targets);
      const count = object.status?.counts?.targets ?? listed.length;
      // More than that were written by an operator that crashed before the status: nothing was done to them yet.
      const isDraft = listed
        .slice(count)
        .every(({ state, executionId }) => state === 'Selected' && executionId === undefined);
      const targets = isDraft ? listed.slice(0, count) : listed;
      const incomplete = chosen === shards && targets.length !== count;
      const known = incomplete ? (object.status?.targets ?? []) : targets;
      return { object, shards, incomplete, status: statusFrom(object.status, [known]) };
    },

    async save(stored, status, signal) {
      const shards = await writeShards(stored, status, signal);
      const { name, namespace = '', resourceVersion = '', generation = 0 } = stored.object.metadata;
      const document = statusDocument(status, { generation, previous: stored.object.status, now: clock.now() });
      const { apiVersion, kind } = stored.object;
      const object = await client.apply(
        chaosExperiments,
        { apiVersion, kind, metadata: { name, namespace, resourceVersion }, status: document },
        // Forced, because the status is ours; and only over the version that was read, or a deposed leader could turn it back.
        { fieldManager: FIELD_MANAGER, force: true, subresource: 'status', signal },
      );
      return { object, shards, status, incomplete: stored.incomplete };
    },
  };
}

/** Whether no operator has written anything of it: before shards and status it gets the finalizer. */
export function isUntouched({ status, metadata }: ExperimentObject): boolean {
  const { finalizers = [], deletionTimestamp } = metadata;
  // One that is deleted takes no finalizer any more.
  return status === undefined && deletionTimestamp === undefined && !finalizers.includes(FINALIZER);
}

/**
 * One that failed before it started, and whose spec was corrected since, is as new: nothing of it was ever on a node. The
 * resource definition lets no other spec be changed.
 */
function asNew(object: ExperimentObject): ExperimentObject {
  const { status, metadata } = object;
  const failed = status?.phase === 'Failed' && status.startedAt === undefined;
  if (!failed || (metadata.generation ?? 0) <= (status.observedGeneration ?? Infinity)) return object;
  const { status: _over, ...fresh } = object;
  return fresh;
}

function shardObject(owner: ExperimentObject, index: number, targets: readonly TargetDocument[]): ShardObject {
  const { name, namespace = '', uid = '' } = owner.metadata;
  return {
    apiVersion: chaosExperimentShards.apiVersion,
    kind: chaosExperimentShards.kind,
    metadata: {
      name: shardName(owner.metadata, index),
      namespace,
      labels: { [EXPERIMENT_UID_LABEL]: uid },
      ownerReferences: [
        { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    targets,
  };
}
