/** What the files of tests against a real API server share. */
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { ExperimentObject } from '@chaosplane/api';
import { openTheatre, type Stage, type Theatre } from './stage.ts';

/** Gives each test of a file a stage of its own, in one theatre. Call it at the top of the file. */
export function eachOnStage(begin: (stage: Stage, theatre: Theatre) => void | Promise<void>): void {
  let theatre: Theatre;
  let stage: Stage;
  beforeAll(async () => {
    theatre = await openTheatre();
  }, 600_000);
  afterAll(() => theatre.close(), 60_000);
  beforeEach(async () => {
    stage = await theatre.stage();
    await begin(stage, theatre);
  });
  afterEach(() => stage.close());
}

export const isEffective = ({ status }: ExperimentObject): boolean => status?.effectiveAt !== undefined;
export const isOver = ({ status }: ExperimentObject): boolean => status?.endedAt !== undefined;
