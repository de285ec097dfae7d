/** What files of tests share whose tests wait for most of their time. */
import { afterAll, beforeAll, test } from '@jest/globals';
import type { KubeClient } from '@chaosplane/kube';
import type { OperatorOptions } from './stage-operator.ts';
import { openApiServerFixture, type ApiServerFixture, type Stage } from './stage.ts';

/** How the stage of a test is made: with an operator, unless the test starts its own. */
export type Operator = 'none' | ((client: KubeClient) => OperatorOptions);

/** The tests of a file. */
export interface Together {
  /** The API server, as soon as a test plays. */
  readonly fixture: () => ApiServerFixture;
  /** One of them. Each has a stage with one node and one pod. */
  together(name: string, play: (stage: Stage) => Promise<void>, operator?: Operator): void;
}

/** Begins all tests of a file at once, on one API server. Call it at the top of the file. */
export function allTogether(usual: Operator = () => ({})): Together {
  let fixture: ApiServerFixture;
  const plays: (() => void)[] = [];
  beforeAll(async () => {
    fixture = await openApiServerFixture();
    for (const begin of plays) begin();
  }, 600_000);
  afterAll(() => fixture.close(), 60_000);

  async function onStage(play: (stage: Stage) => Promise<void>, operator: Operator): Promise<void> {
    const stage = await fixture.stage({ nodes: 1 });
    try {
      await stage.addPod('web', stage.nodes[0]!);
      if (operator !== 'none') stage.startOperator(operator(stage.operatorClient));
      await play(stage);
    } finally {
      await stage.close();
    }
  }

  return {
    fixture: () => fixture,
    together(name, play, operator = usual) {
      const ended = Promise.withResolvers<undefined>();
      // Its test is told.
      ended.promise.catch(() => undefined);
      plays.push(() => void onStage(play, operator).then(() => ended.resolve(undefined), ended.reject));
      test(name, async () => ended.promise);
    },
  };
}
