/** Whether experiments broke the floor of a workload: so many of its pods must be available and hit by none. Pure. */

/** What the API server has of a workload from one moment on. */
export interface FloorMoment {
  readonly at: number;
  /** How many pods it should have. */
  readonly desired: number;
  /** Of each pod, by its uid: whether it is Ready, and not on its way out. */
  readonly pods: ReadonlyMap<string, boolean>;
}

/** Something that an experiment did to a pod. */
export interface FloorHit {
  readonly uid: string;
  /** What is told of it: the experiment, and what it did. */
  readonly what: string;
  readonly from: number;
  /** When it was undone. Infinity: not yet, or it cannot be, as a deletion. */
  readonly until: number;
  readonly lasting: boolean;
}

/** One of both, in pods or in percent of those that should be there, rounded up. */
export type Floor = { readonly minAvailable: FloorLimit } | { readonly maxUnavailable: FloorLimit };
export type FloorLimit = number | `${number}%`;

export interface FloorHistory {
  readonly floor: Floor;
  /** In their order. */
  readonly moments: readonly FloorMoment[];
  /** In the order in which they began. */
  readonly hits: readonly FloorHit[];
  /** The last moment at which anything was seen. */
  readonly endsAt: number;
  /** How late what others did may be known. */
  readonly reactionMs: number;
}

/** What experiments did wrong. */
export interface FloorBreach {
  readonly at: number;
  readonly kind: 'began' | 'held';
  readonly message: string;
}

/** How many pods must be left. */
export function floorOf(floor: Floor, desired: number): number {
  const pods = (limit: FloorLimit): number =>
    typeof limit === 'number' ? limit : Math.ceil((desired * Number(limit.slice(0, -1))) / 100);
  return 'minAvailable' in floor ? pods(floor.minAvailable) : desired - pods(floor.maxUnavailable);
}

/** Pods that are available at that moment and none of these. */
function availableAt({ pods }: FloorMoment, hit: ReadonlySet<string>): number {
  return [...pods].filter(([uid, ready]) => ready && !hit.has(uid)).length;
}

/**
 * Each moment at which the experiments were at fault. They may know late what others do (the readiness of pods, their number, how many there
 * should be), and not what they do themselves. So they are at fault where
 *
 * - one began something although, with all that experiments did by then, at no moment of the time before in which it may have been judged enough pods
 *   were left; or
 * - the floor was broken for longer than they may take to hear of it, while one of them held a pod that would have been available.
 *
 * A floor that others break is nothing of theirs.
 */
export function floorBreaches(history: FloorHistory): readonly FloorBreach[] {
  const began = history.hits.flatMap((hit, index) => wronglyBegun(history, hit, index) ?? []);
  const held = history.hits.flatMap((hit) => heldTooLong(history, hit) ?? []);
  return [...began, ...held].toSorted((a, b) => a.at - b.at);
}

/** The pods that experiments hit at a time; of those that begin at the same time, the ones before `index`. */
function hitAt({ hits }: FloorHistory, at: number, index = Infinity): Set<string> {
  const before = hits.filter(({ from, until }, other) => (from < at || (from === at && other < index)) && until > at);
  return new Set(before.map(({ uid }) => uid));
}

/** How many pods are available at that moment, and hit by no experiment. */
export function leftAt(history: FloorHistory, moment: FloorMoment): number {
  return availableAt(moment, hitAt(history, moment.at));
}

function wronglyBegun(history: FloorHistory, hit: FloorHit, index: number): FloorBreach | undefined {
  const { floor, moments, reactionMs } = history;
  const ours = hitAt(history, hit.from, index).add(hit.uid);
  const known = inForce(moments, hit.from - reactionMs, hit.from);
  if (known.some((moment) => availableAt(moment, ours) >= floorOf(floor, moment.desired))) return undefined;
  const last = known.at(-1);
  const left =
    last === undefined
      ? 'nothing'
      : `${availableAt(last, ours)} of ${last.desired}, not ${floorOf(floor, last.desired)},`;
  const message = `${hit.what} began on ${hit.uid}, and ${left} would be available`;
  return { at: hit.from, kind: 'began', message };
}

/** The moments that were the present at some time between the two. */
function inForce(moments: readonly FloorMoment[], from: number, until: number): readonly FloorMoment[] {
  const first = moments.findLastIndex(({ at }) => at <= from);
  return moments.slice(Math.max(0, first)).filter(({ at }) => at <= until);
}

function heldTooLong(history: FloorHistory, hit: FloorHit): FloorBreach | undefined {
  const { at, ms } = heldWhileBroken(history, hit);
  if (ms <= history.reactionMs) return undefined;
  const message = `${hit.what} held ${hit.uid} for ${Math.round(ms)} ms while too few were available`;
  return { at, kind: 'held', message };
}

/** The longest time for which the floor was broken while a hit held a pod that would have been available. */
function heldWhileBroken(history: FloorHistory, hit: FloorHit): { readonly at: number; readonly ms: number } {
  const { floor, moments, hits, endsAt } = history;
  const end = Math.min(hit.until, endsAt);
  const times = [...moments.map(({ at }) => at), ...hits.flatMap(({ from, until }) => [from, until]), end]
    .filter((at) => at >= hit.from && at <= end)
    .toSorted((a, b) => a - b);
  let longest = { at: hit.from, ms: 0 };
  let since: number | undefined;
  for (const at of hit.lasting ? times : []) {
    if (since !== undefined && at - since > longest.ms) longest = { at: since, ms: at - since };
    const moment = moments.findLast((one) => one.at <= at);
    const ours = hitAt(history, at).add(hit.uid);
    const broken = moment?.pods.get(hit.uid) === true && availableAt(moment, ours) < floorOf(floor, moment.desired);
    since = broken ? (since ?? at) : undefined;
  }
  return longest;
}

/** The longest time for which the floor was broken while something was held that would have been available. Milliseconds. */
export function longestHeld(history: FloorHistory): number {
  return Math.max(0, ...history.hits.map((hit) => heldWhileBroken(history, hit).ms));
}
