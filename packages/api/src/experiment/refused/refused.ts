/** One input that is refused. */

/** What a valid experiment is changed by; the path, what was wrong there, and what is allowed. */
export type Refused = readonly [changes: object, path: string, wrong: string, allowed: string];
