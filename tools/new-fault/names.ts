/** The names that follow from the name of a new fault. Pure. */

export interface Names {
  /** Of the action and of the files: `disk-full`. */
  readonly kebab: string;
  /** Of constants: `diskFull`. */
  readonly camel: string;
  /** In the names of RPC, messages and types: `DiskFull`. */
  readonly pascal: string;
}

/** @throws Error saying what is allowed. */
export function namesOf(name: string): Names {
  if (!/^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$/.test(name) || name.length > 40)
    throw new Error(`"${name}" is no name for a fault: lower-case words with "-" between them, such as disk-full`);
  const pascal = name
    .split('-')
    .map((word) => `${word[0]?.toUpperCase() ?? ''}${word.slice(1)}`)
    .join('');
  return { kebab: name, pascal, camel: `${pascal[0]?.toLowerCase() ?? ''}${pascal.slice(1)}` };
}

/** Puts the names where a template has those of `example-fault`. */
export function named(template: string, { kebab, camel, pascal }: Names): string {
  return template
    .replaceAll('example-fault', kebab)
    .replaceAll('ExampleFault', pascal)
    .replaceAll('exampleFault', camel);
}
