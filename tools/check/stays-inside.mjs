/** The lint rule that a relative import stays in its package; tools and benches import packages by their names, too. */
import { dirname, join, relative } from 'node:path';
import { eachSource } from './sources.mjs';

const root = join(import.meta.dirname, '..', '..');

/** The package that a file below `packages/` belongs to; undefined for any other one. */
function packageOf(file) {
  return /^packages\/[^/]+/.exec(relative(root, file))?.[0];
}

export const staysInside = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      leaves:
        '{{ to }} is outside of {{ from }}: import a package by its name; what several tests share is in a package',
      enters: '{{ to }} is in a package: import it by its name',
    },
  },
  create(context) {
    const from = packageOf(context.filename);
    return eachSource((name, node) => {
      if (!name.startsWith('.')) return;
      const target = join(dirname(context.filename), name);
      if (packageOf(target) === from) return;
      const messageId = from === undefined ? 'enters' : 'leaves';
      context.report({ node, messageId, data: { from, to: relative(root, target) } });
    });
  },
};
