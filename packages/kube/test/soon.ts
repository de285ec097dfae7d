/** How the tests wait: a fast clock passes seconds between two looks of the usual wait. */
export const soon = { withinMs: 10_000, everyMs: 2 } as const;
