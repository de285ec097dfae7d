/** How long executions live, and how often an experiment is looked at. */

/**
 * An execution outlives the experiment by so much at most, where no caller cancels it: enough for a cancel that is
 * a little late, and no more, because where the API server is away its daemon alone ends it.
 */
export const TTL_MARGIN_MS = 5000;

/** When the observation says nothing else. */
export const LOOK_AGAIN_MS = 500;
