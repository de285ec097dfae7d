/** Who may come in at a port: decides over connections by their numbers, and knows nothing of sockets. */
import type { Clock } from '../clock.ts';
import { bucket, type Bucket, type Rate } from '../token-bucket.ts';

/** How many connections a port holds, and takes. */
export interface DoorLimits {
  /** Connections of strangers that are open at a time: all of them together, and those of one peer. */
  readonly strangers: { readonly open: number; readonly rate: Rate };
  readonly peer: { readonly open: number; readonly rate: Rate };
  /** Connections that are settled: known by more than their address. */
  readonly settled: number;
}

/** Why a connection is turned away, or ended before its time. */
export const turnedReasons = [
  /** This port is for others. */
  'not-for-this-peer',
  /** The peer makes connections faster than it may. */
  'peer-rate',
  /** All strangers together do. */
  'stranger-rate',
  /** There were too many: the oldest of the peer that had the most gives way to a new one. */
  'crowded-out',
  /** It took longer, or sent more, than it may. */
  'too-slow',
  'too-much',
] as const;
export type Turned = (typeof turnedReasons)[number];

/** A connection that came in. */
export interface Pass {
  readonly peer: string;
  /**
   * It is known now by more than its address: it no longer counts among those of its peer. False when there are too many such.
   */
  settle(): boolean;
  /** It is closed. Idempotent. */
  leave(): void;
}

/** One port's. */
export interface Door {
  /**
   * Asks to come in. A friend's connections never compete with those of strangers. `end` is called when the connection has to
   * give way to another one; it has left then.
   */
  enter(peer: string, friend: boolean, end: () => void): Pass | Turned;
}

/** Peers that are remembered at most, for their rates; the one that came least recently is forgotten first. */
const MOST_PEERS = 1024;

/** So many peers are friends at a time; more of them are strangers. */
export const MOST_FRIENDS = 8;

/**
 * A peer's first connections in so long a time are not held against all strangers' rate: one that comes seldom gets in
 * however many others come often.
 */
const [SELDOM, SELDOM_MS] = [3, 60_000];

interface Peer {
  readonly rate: Bucket;
  /** Its open connections that are not settled, the oldest first. */
  readonly open: Set<Attempt>;
  friend: boolean;
  /** Connections since then, monotonic milliseconds. */
  since: number;
  recent: number;
}

interface Attempt {
  readonly end: () => void;
}

export function createDoor(limits: DoorLimits, clock: Pick<Clock, 'monotonic'>): Door {
  const peers = new Map<string, Peer>();
  const all = bucket(limits.strangers.rate, clock);
  let settled = 0;

  const visit = (name: string): Peer => {
    const now = clock.monotonic();
    const peer = peers.get(name) ?? newPeer(now);
    peers.delete(name);
    peers.set(name, peer);
    if (now - peer.since > SELDOM_MS) Object.assign(peer, { since: now, recent: 0 });
    peer.recent += 1;
    if (peers.size > MOST_PEERS) forgetOne();
    return peer;
  };
  const newPeer = (now: number): Peer => ({
    rate: bucket(limits.peer.rate, clock),
    open: new Set(),
    friend: false,
    since: now,
    recent: 0,
  });
  const forgetOne = (): void => {
    for (const [name, { open }] of peers) {
      if (open.size > 0) continue;
      peers.delete(name);
      return;
    }
  };
  const isFriend = (peer: Peer): boolean => {
    const others = [...peers.values()].filter((one) => one.friend && one.open.size > 0 && one !== peer);
    return others.length < MOST_FRIENDS;
  };
  const strangers = (): Peer[] => [...peers.values()].filter(({ friend, open }) => !friend && open.size > 0);
  /** Of the peer that has the most. */
  const makeRoom = (): void => {
    const others = strangers();
    if (others.reduce((sum, one) => sum + one.open.size, 0) < limits.strangers.open) return;
    const most = Math.max(...others.map(({ open }) => open.size));
    const crowd = others.find(({ open }) => open.size === most);
    if (crowd !== undefined) crowdOut(crowd);
  };
  /** The oldest connection of a peer gives way. */
  const crowdOut = ({ open }: Peer): void => {
    const [oldest] = open;
    if (oldest === undefined) return;
    open.delete(oldest);
    oldest.end();
  };

  return {
    enter(name, friend, end) {
      const peer = visit(name);
      // First what costs least: it is asked most often.
      if (!peer.rate.take()) return 'peer-rate';
      peer.friend = friend && isFriend(peer);
      if (!peer.friend && peer.recent > SELDOM && !all.take()) return 'stranger-rate';
      if (peer.open.size >= limits.peer.open) crowdOut(peer);
      if (!peer.friend) makeRoom();
      const entry: Attempt = { end };
      peer.open.add(entry);
      let known = false;
      let left = false;
      return {
        peer: name,
        settle() {
          if (left || known) return known;
          if (settled >= limits.settled) return false;
          known = true;
          settled += 1;
          return peer.open.delete(entry);
        },
        leave() {
          if (left) return;
          left = true;
          if (known) settled -= 1;
          else peer.open.delete(entry);
        },
      };
    },
  };
}
