/** What the files of tests against a real API server share. */
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { openApiServerFixture, type Stage, type ApiServerFixture } from './stage.ts';

/** Gives each test of a file a stage of its own, on one API server. Call it at the top of the file. */
export function eachOnStage(begin: (stage: Stage, fixture: ApiServerFixture) => void | Promise<void>): void {
  let fixture: ApiServerFixture;
  let stage: Stage;
  beforeAll(async () => {
    fixture = await openApiServerFixture();
  }, 600_000);
  afterAll(() => fixture.close(), 60_000);
  beforeEach(async () => {
    stage = await fixture.stage();
    await begin(stage, fixture);
  });
  afterEach(() => stage.close());
}

export { isEffective, isOver } from '@chaosplane/testcluster/installation';
