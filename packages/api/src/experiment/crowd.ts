/** Documents with far more parameters than any action has: they are refused by their number, and never read one by one. */
import { tooMany } from '@chaosplane/actions';
import type { Problem } from '@chaosplane/common/pure';

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;

/** The document without such a crowd, and what is wrong with it. */
export function withoutCrowd(document: unknown): { readonly document: unknown; readonly problems: readonly Problem[] } {
  const whole = fieldsOf(document);
  const spec = fieldsOf(whole?.['spec']);
  const action = fieldsOf(spec?.['action']);
  const parameters = fieldsOf(action?.['parameters']);
  const crowd = parameters === undefined ? undefined : tooMany(parameters);
  if (crowd === undefined) return { document, problems: [] };
  const { parameters: _crowd, ...rest } = action ?? {};
  return {
    document: { ...whole, spec: { ...spec, action: rest } },
    problems: [{ ...crowd, path: `spec.action.${crowd.path}` }],
  };
}
