/** Circles of dependencies. Pure. */

interface Dependent {
  readonly name: string;
  readonly dependencies: readonly string[];
}

/** The names of those that wait for each other in a circle, in its order; undefined where there is none. */
export function circleOf(steps: readonly Dependent[]): readonly string[] | undefined {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const done = new Set<string>();
  const search = (name: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(name)) return path.slice(path.indexOf(name));
    if (done.has(name)) return undefined;
    for (const before of byName.get(name)?.dependencies ?? []) {
      const circle = search(before, [...path, name]);
      if (circle !== undefined) return circle;
    }
    done.add(name);
    return undefined;
  };
  for (const { name } of steps) {
    const circle = search(name, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
