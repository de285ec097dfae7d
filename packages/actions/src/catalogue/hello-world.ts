/** hello-world: the worked example – lists the processes of a container. */
import { refused, type Parsed } from '@chaosplane/common/pure';
import { defineAction } from '../action.ts';
import { required } from '../parameters/parameter.ts';

/** A greeting, understood. */
export interface HelloWorldSpec {
  /** As Kubernetes prints it: `containerd://…`. */
  readonly containerId: string;
}

const ALLOWED = 'the id of a container, with or without the name of its runtime, such as containerd://4f6a90d1';

function parseContainerId(text: string): Parsed<string> {
  const valid = text.length <= 253 && /^(?:[a-z][a-z0-9.-]*:\/\/)?[a-zA-Z0-9_-]+$/.test(text);
  return valid ? { ok: true, value: text } : refused(text, 'is not the id of a container', ALLOWED);
}

export const helloWorld = defineAction({
  name: 'hello-world',
  aliases: [],
  targetKind: 'Pod',
  route: { on: 'daemon', rpc: 'execHelloWorldChaos', wireAction: '' },
  recover: 'one-shot',
  schemas: {
    containerId: required(parseContainerId, {
      description: 'The container. In an experiment, `target` chooses the pod, and its first container is taken.',
      allowed: ALLOWED,
    }),
  },
  toSpec: ({ containerId }): HelloWorldSpec => ({ containerId }),
  summary: 'Lists the processes of a container: the worked example for who adds a fault.',
  description: `The container's own \`ps aux\` is run by the container runtime, in the container's confinement and with its rights. Where the image has
no \`ps\`, the daemon reads from the node's /proc what it would have shown. The daemon logs the request, the command and its output.

It harms nothing, happens once, and there is nothing to undo.`,
  evidence: 'How many processes the container sees. *Verified* when there are any.',
  example: {},
});
