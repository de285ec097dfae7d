/** Every kind of hold that experiments have on nodes. */
import { cordonHold } from './cordon.ts';
import type { NodeHold } from './hold.ts';
import { taintHold } from './taint.ts';

export const holds: readonly NodeHold[] = [cordonHold, taintHold];
