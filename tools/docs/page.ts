/** What a reader of a page does: its commands, the files that it shows whole, and its replacements, in order. Pure. */

export type Block =
  | { readonly kind: 'commands'; readonly lines: readonly string[] }
  | { readonly kind: 'file'; readonly path: string; readonly text: string }
  | { readonly kind: 'replace'; readonly path: string; readonly before: string; readonly after: string };

/** The fenced blocks that say what they are; `sh cluster` is what a reader does about a cluster, and is left out. */
export function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\S+)(?: (\S+))?\n([^]*?)^```$/gm)].flatMap(
    ([, language, what = '', text = '']): Block[] => {
      const [verb, path = ''] = what.split('=');
      if (verb === 'file') return [{ kind: 'file', path, text }];
      if (verb === 'replace') {
        const [before = '', after = ''] = text.split('=======\n');
        return [{ kind: 'replace', path, before, after }];
      }
      return language === 'sh' && what === '' ? [{ kind: 'commands', lines: text.trim().split('\n') }] : [];
    },
  );
}
