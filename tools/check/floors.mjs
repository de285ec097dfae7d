/** The lint rule of the daemon's floors: a folder imports from lower floors only, and the pure ones have no effects. */
import { dirname, join, relative } from 'node:path';
import { eachSource } from './sources.mjs';

const daemon = join(import.meta.dirname, '..', '..', 'packages', 'daemon', 'src');

/** From the ground up. Engine and host stand side by side, and `daemon.ts` joins them. */
const floors = [
  ['model', 'nft'],
  ['contract'],
  ['journal', 'netns'],
  ['proxy'],
  ['faults'],
  ['engine', 'host'],
  ['server'],
];

/** They decide; what comes of it is done elsewhere. */
const pure = ['model', 'nft', 'contract', 'netns', 'faults'];

const effects = /^(node:)?(child_process|dgram|dns|fs|http|http2|https|net|tls|worker_threads)(\/|$)/;

/** The floor's folder that a file is in; undefined for any other file. */
const folderOf = (file) => floors.flat().find((folder) => relative(daemon, file).startsWith(`${folder}/`));

const floorOf = (folder) => floors.findIndex((folders) => folders.includes(folder));

export const lowerFloors = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      above: '{{ from }}/ imports from lower floors only, and not from {{ to }}/: docs/architecture.md',
      itself: '{{ from }}/ imports its own package by relative paths',
      effect: '{{ from }}/ is pure: effects are in host/, records in journal/',
    },
  },
  create(context) {
    const from = folderOf(context.filename);
    if (from === undefined) return {};
    return eachSource((name, node) => {
      const report = (messageId, data) => context.report({ node, messageId, data: { from, ...data } });
      if (/^@chaosplane\/daemon(\/|$)/.test(name)) report('itself');
      if (pure.includes(from) && effects.test(name)) report('effect');
      const to = name.startsWith('.') ? folderOf(join(dirname(context.filename), name)) : undefined;
      if (to !== undefined && to !== from && floorOf(to) >= floorOf(from)) report('above', { to });
    });
  },
};
