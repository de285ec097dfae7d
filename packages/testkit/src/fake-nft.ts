/** A stand-in for the kernel's nftables that understands the commands of our own compiler, as one atomic transaction. */

interface FakeSet {
  readonly declaration: string;
  elements: string[];
}

interface FakeTable {
  readonly chains: Map<string, { readonly hook: string; rules: string[] }>;
  readonly sets: Map<string, FakeSet>;
  readonly counters: Map<string, { packets: number; bytes: number }>;
}

/** The tables of one namespace. */
export class FakeNft {
  #tables = new Map<string, FakeTable>();

  /** Runs all commands or none, as the kernel does; returns what `list` printed. */
  run(commands: readonly string[]): string {
    const before = structuredClone(this.#tables);
    try {
      return commands.map((command) => this.#command(command)).join('');
    } catch (error) {
      this.#tables = before;
      throw error;
    }
  }

  /** Counts packets, as traffic in scope would. */
  count(counter: string, packets: number): void {
    for (const table of this.#tables.values()) {
      const found = table.counters.get(counter);
      if (found === undefined) continue;
      found.packets += packets;
      found.bytes += packets * 100;
    }
  }

  /** @throws Error when a chain hooks in at that device: taking it away then would lose what is sent to it. */
  requireNoDevice(device: string): void {
    const hooks = [...this.#tables.values()].flatMap(({ chains }) => [...chains.values()].map(({ hook }) => hook));
    if (hooks.some((hook) => hook.includes(`"${device}"`))) throw new Error(`a chain hooks in at ${device}`);
  }

  /** Everything, as nft would list it; without the numbers of counters. */
  print(): string {
    return [...this.#tables.keys()].map((key) => this.#listTable(key)).join('');
  }

  #command(text: string): string {
    const [verb = '', kind = '', family = '', name = '', object = ''] = text.split(' ');
    if (text === 'list tables') return [...this.#tables.keys()].map((key) => `table ${key}\n`).join('');
    const key = `${family} ${name}`;
    const rest = text.split(' ').slice(5).join(' ');
    switch (`${verb} ${kind}`) {
      case 'list table':
        this.#table(key);
        return this.#listTable(key);
      case 'list counter': {
        const counter = present(this.#table(key).counters.get(object), text);
        return `counter ${object} { packets ${counter.packets} bytes ${counter.bytes} }\n`;
      }
      // list counters table FAMILY NAME
      case 'list counters':
        return [...this.#table(`${name} ${object}`).counters]
          .map(([each, { packets, bytes }]) => `counter ${each} { packets ${packets} bytes ${bytes} }\n`)
          .join('');
      case 'add table':
        if (!this.#tables.has(key)) {
          this.#tables.set(key, { chains: new Map(), sets: new Map(), counters: new Map() });
        }
        return '';
      case 'delete table':
        this.#table(key);
        this.#tables.delete(key);
        return '';
      case 'add counter':
        this.#table(key).counters.set(object, { packets: 0, bytes: 0 });
        return '';
      case 'add set':
        this.#table(key).sets.set(object, { declaration: rest, elements: [] });
        return '';
      case 'flush set':
        present(this.#table(key).sets.get(object), text).elements = [];
        return '';
      case 'add element':
        present(this.#table(key).sets.get(object), text).elements.push(...elementsOf(rest));
        return '';
      case 'add chain':
        if (!this.#table(key).chains.has(object)) this.#table(key).chains.set(object, { hook: rest, rules: [] });
        return '';
      case 'flush chain':
        present(this.#table(key).chains.get(object), text).rules = [];
        return '';
      case 'add rule':
        this.#requireReferences(key, rest);
        present(this.#table(key).chains.get(object), text).rules.push(rest);
        return '';
      case 'delete chain':
      case 'delete set':
      case 'delete counter':
        this.#delete(key, kind, object, text);
        return '';
      default:
        throw new Error(`the fake kernel does not know: ${text}`);
    }
  }

  #table(key: string): FakeTable {
    return present(this.#tables.get(key), `table ${key}`);
  }

  /** As the kernel: what a rule refers to cannot be deleted (EBUSY). */
  #delete(key: string, kind: string, object: string, text: string): void {
    const table = this.#table(key);
    const objects = { chain: table.chains, set: table.sets, counter: table.counters }[kind];
    if (objects?.has(object) !== true) throw new Error(`No such file or directory: ${text}`);
    const rules = [...table.chains.values()].flatMap((chain) => chain.rules);
    if (rules.some((rule) => referencesOf(rule).has(object))) throw new Error(`Device or resource busy: ${text}`);
    objects.delete(object);
  }

  #requireReferences(key: string, rule: string): void {
    const table = this.#table(key);
    for (const name of referencesOf(rule)) {
      if (table.chains.has(name) || table.sets.has(name) || table.counters.has(name)) continue;
      throw new Error(`No such file or directory: ${name} in ${rule}`);
    }
  }

  #listTable(key: string): string {
    const { chains, sets, counters } = this.#table(key);
    return [
      `table ${key} {`,
      ...[...counters.keys()].sort().map((name) => `\tcounter ${name} {\n\t}`),
      ...sorted(sets).map(([name, set]) => `\tset ${name} {\n\t\t${set.declaration} ${untimed(set.elements)}\n\t}`),
      ...sorted(chains).map(([name, { hook, rules }]) =>
        [
          `\tchain ${name} {`,
          ...(hook === '' ? [] : [`\t\t${hook}`]),
          ...rules.map((rule) => `\t\t${rule}`),
          '\t}',
        ].join('\n'),
      ),
      '}\n',
    ].join('\n');
  }
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`No such file or directory: ${what}`);
  return value;
}

const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

/** Remaining times move by themselves, and so are not part of what is compared. */
const untimed = (elements: readonly string[]): string =>
  elements.map((text) => text.replace(/ timeout \S+/, '')).join(', ');

function elementsOf(text: string): string[] {
  return text
    .replace(/^\{ | \}$/g, '')
    .split(', ')
    .filter((element) => element !== '');
}

function referencesOf(rule: string): Set<string> {
  return new Set([...rule.matchAll(/(?:@|counter name |jump |goto )([a-z0-9_]+)/g)].map((match) => match[1] ?? ''));
}
