/** What the engine is told of its limits, and of what may be done to the node. */
import type { NodeSettings } from '../faults/fault.ts';
import type { PlacementChoice } from '../netns/placement.ts';

/** The engine's settings. */
export interface EngineConfig {
  /** TTL of an execution whose request gives none, in milliseconds. */
  readonly defaultTtlMs: number;
  /** The longest TTL that is accepted, in milliseconds. */
  readonly maxTtlMs: number;
  readonly placement: PlacementChoice;
  /** What may be done to the node itself; absent: nothing. */
  readonly node?: NodeSettings;
}
