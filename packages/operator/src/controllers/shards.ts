/** The names of shards: their owner's, what tells it from others of that name, and a number. */
import { shortName } from '@chaosplane/kube';

interface Named {
  readonly name: string;
  readonly uid?: string;
}

/** The longest name of an object, less what a shard's name adds. */
const LONGEST_PREFIX = 253 - 16;

export function shardName({ name, uid = '' }: Named, number: number): string {
  return `${shortName(name, LONGEST_PREFIX)}-${uid.slice(0, 8)}-${number}`;
}

export function shardNumber({ name }: Named): number {
  return Number(name.slice(name.lastIndexOf('-') + 1));
}
