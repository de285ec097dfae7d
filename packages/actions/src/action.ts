/** What an action is: a name for users, the schema of its parameters, and the place where it is carried out. Pure data. */
import type { Problem } from '@chaosplane/common/pure';
import { ChaosDaemonDefinition } from '@chaosplane/proto';
import type * as z from 'zod';

/** An Exec… RPC of the daemon, by the name the generated service definition gives it. */
export type ExecRpc = Extract<keyof typeof ChaosDaemonDefinition.methods, `exec${string}`>;

/** All of them. */
export const execRpcs = Object.keys(ChaosDaemonDefinition.methods).filter((name): name is ExecRpc =>
  name.startsWith('exec'),
);

/** How an action reaches the node. */
export type Route =
  | {
      readonly on: 'daemon';
      readonly rpc: ExecRpc;
      /** The value of the request's `action` (or `stressor_type`) field; empty where the RPC has none. */
      readonly wireAction: string;
    }
  | { readonly on: 'operator' };

/** One zod schema per parameter; each takes the string of the wire. */
export type ParameterSchemas = Readonly<Record<string, z.ZodType>>;

/** What the schemas make of the values. */
export type ParameterValues<Schemas extends ParameterSchemas> = {
  readonly [Key in keyof Schemas]: z.output<Schemas[Key]>;
};

/** One action of the catalogue. `Spec` is what its parameters mean once parsed. */
export interface Action<Spec = unknown> {
  /** The user's name for it: `network-delay`. */
  readonly name: string;
  /** Other names that are accepted for it. */
  readonly aliases: readonly string[];
  readonly targetKind: 'Pod' | 'Node';
  readonly route: Route;
  /** `undo`: it lasts and is undone. `one-shot`: it happens once and there is nothing to undo. */
  readonly recover: 'undo' | 'one-shot';
  /** The parameters, each with what the documentation says of it (see `parameter`). */
  readonly schemas: ParameterSchemas;
  /** The spec of values that are each valid; adds to `problems` what is wrong between them. */
  readonly toSpec: (values: never, problems: Problem[]) => Spec;
  /** One sentence for people. */
  readonly summary: string;
  /** Markdown: what happens, what the sender and the receiver see, what limits it. */
  readonly description: string;
  /** What is measured, for people. */
  readonly evidence: string;
  /** Parameters of a complete, sensible example. */
  readonly example: Readonly<Record<string, string>>;
  /** The `injectionTimeout` of an experiment with it, where the default is too short. */
  readonly injectionTimeout?: string;
}

/** An action that the types know by its name, its route and its spec. */
export type KnownAction<Name extends string, On extends Route, Spec> = Action<Spec> & {
  readonly name: Name;
  readonly route: On;
};

/** Declares an action; checks that `toSpec` takes what `schemas` give. */
export function defineAction<const Name extends string, const On extends Route, Schemas extends ParameterSchemas, Spec>(
  action: Omit<Action<Spec>, 'name' | 'route' | 'schemas' | 'toSpec'> & {
    readonly name: Name;
    readonly route: On;
    readonly schemas: Schemas;
    readonly toSpec: (values: ParameterValues<Schemas>, problems: Problem[]) => Spec;
  },
): KnownAction<Name, On, Spec> {
  return action;
}
