/** node-taint: a node has one more taint. */
import { quoted, refused, type Parsed } from '@chaosplane/common/pure';
import { defineAction } from '../action.ts';
import { oneOf, optional, required } from '../parameters/parameter.ts';

/** What the scheduler, and for NoExecute the taint eviction controller, does with pods that do not tolerate a taint. */
export type TaintEffect = 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';

/** A taint, understood. */
export interface NodeTaintSpec {
  readonly key: string;
  /** Empty: it has none. */
  readonly value: string;
  readonly effect: TaintEffect;
}

const NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
const DOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const KEY_ALLOWED =
  'up to 63 letters, digits, -, _ and ., with or without a domain of your own before it, such as example.com/maintenance';
const VALUE_ALLOWED = 'up to 63 letters, digits, -, _ and ., beginning and ending with a letter or digit';

/** Domains whose taints Kubernetes and its add-ons put and take away by themselves. */
const RESERVED = /(^|\.)(kubernetes|k8s)\.io$/;

/** A qualified name, as the API server takes it (IsQualifiedName), in a domain that is not Kubernetes'. */
function parseKey(text: string): Parsed<string> {
  const slash = text.indexOf('/');
  const [domain, name] = slash < 0 ? [undefined, text] : [text.slice(0, slash), text.slice(slash + 1)];
  if (name.length > 63 || !NAME.test(name)) return refused(text, 'is not the key of a taint', KEY_ALLOWED);
  if (domain === undefined) return { ok: true, value: text };
  if (domain.length > 253 || !DOMAIN.test(domain)) return refused(text, 'is not the key of a taint', KEY_ALLOWED);
  if (!RESERVED.test(domain)) return { ok: true, value: text };
  return {
    ok: false,
    wrong: `${quoted(text)} is a key of Kubernetes, which sets and removes it`,
    allowed: KEY_ALLOWED,
  };
}

function parseValue(text: string): Parsed<string> {
  const valid = text === '' || (text.length <= 63 && NAME.test(text));
  return valid ? { ok: true, value: text } : refused(text, 'is not the value of a taint', VALUE_ALLOWED);
}

export const nodeTaint = defineAction({
  name: 'node-taint',
  aliases: [],
  targetKind: 'Node',
  route: { on: 'operator' },
  recover: 'undo',
  schemas: {
    key: required(parseKey, {
      description: 'The key of the taint. Those of kubernetes.io and k8s.io are refused.',
      allowed: KEY_ALLOWED,
    }),
    value: optional(parseValue, {
      description: 'Its value. Without it the taint has none.',
      allowed: VALUE_ALLOWED,
    }),
    effect: required(oneOf(['NoSchedule', 'PreferNoSchedule', 'NoExecute']), {
      description:
        'NoSchedule: no new pods that do not tolerate it. PreferNoSchedule: none while there is another node. NoExecute: those that run there are deleted as well.',
      allowed: 'NoSchedule, PreferNoSchedule or NoExecute',
    }),
  },
  toSpec: ({ key, value = '', effect }): NodeTaintSpec => ({ key, value, effect }),
  summary: 'A node has a taint, so that pods that do not tolerate it stay away.',
  description: `The operator adds a [taint](https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/) to the node, and
takes that one away again. Taints of others, those of Kubernetes included, are never changed: the list is written only over the version
that was read.

A node that has a taint of that key and effect already is missed, and its taint stays: it is not ChaosPlane's. Experiments with the
same taint share it, and the last of them takes it away; the annotation \`chaosplane.io/tainted-by\` of the node names them. A taint
that is taken away by hand in the meantime is not put again, and its execution has ended early. Nothing else ends a taint, so
\`rollback.enabled: false\` is refused, and the experiment is not gone before its nodes are clean or removed.

With \`NoExecute\`, Kubernetes deletes the pods of the node that do not tolerate the taint, at once or after their \`tolerationSeconds\`. It asks no
PodDisruptionBudget. Pods without a controller do not come back, and DaemonSet pods not before the taint is gone; a dry run counts
both. A node on which the operator's own pod would be deleted is missed, because the operator takes the taint away again: give the
operator a toleration (\`operator.tolerations\` of the chart), or leave that node out.

It needs a cluster.`,
  evidence: `That the node has the taint, as the API server tells it, and with \`NoExecute\` how many of the pods that do not tolerate it are gone.
*Verified* when the taint is there and all of these are gone, *NotObserved* while some are left.`,
  example: { key: 'example.com/maintenance', effect: 'NoSchedule' },
});
