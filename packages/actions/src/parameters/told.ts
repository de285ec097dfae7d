/** What people are told of the parameters of an action: in documents, help and resource definitions. */
import type { Action } from '../action.ts';
import { parameterMeta, type ParameterMeta } from './parameter.ts';

/** Keys that an experiment's target fills in. */
export const TARGET_KEYS: readonly string[] = ['podName', 'podNamespace', 'containerId'];

/** One parameter. */
export interface ToldParameter extends ParameterMeta {
  readonly name: string;
  readonly aliases: readonly string[];
  /** It has no default, and must be given. */
  readonly required: boolean;
}

/** The parameters of an action, as they are declared. */
export function toldParameters({ schemas }: Action): ToldParameter[] {
  return Object.entries(schemas).map(([name, schema]) => {
    const meta = parameterMeta.get(schema) ?? { description: '', allowed: '' };
    return { ...meta, name, aliases: meta.aliases ?? [], required: !schema.safeParse(undefined).success };
  });
}
