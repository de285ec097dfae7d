/** What a reader of a page does: its commands, the files that it shows whole, and its replacements, in order. Pure. */

export type Block =
  /** Lines of a shell, as they stand; `exits` with 0 where the page does not say another code. */
  | { readonly kind: 'commands'; readonly lines: readonly string[]; readonly exits: number }
  /** What the commands before it print. */
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string; readonly text: string }
  | { readonly kind: 'replace'; readonly path: string; readonly before: string; readonly after: string };

/**
 * The fenced blocks that say what they are, and no other: `sh`, `sh exits=1`, `text`, `yaml file=web.yaml`, `proto replace=FILE`.
 * `sh cluster` is what a reader does about a cluster, and is left out.
 */
export function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\S+)(?: (\S+))?\n([^]*?)^```$/gm)].flatMap(
    ([, language, what = '', text = '']): Block[] => {
      const [verb, value = ''] = what.split('=');
      if (verb === 'file') return [{ kind: 'file', path: value, text }];
      if (verb === 'replace') {
        const [before = '', after = ''] = text.split('=======\n');
        return [{ kind: 'replace', path: value, before, after }];
      }
      if (language === 'text') return [{ kind: 'output', text }];
      if (language !== 'sh' || (what !== '' && verb !== 'exits')) return [];
      return [{ kind: 'commands', lines: text.trim().split('\n'), exits: Number(value) }];
    },
  );
}
