/** What a target is called, and what tells it from every other one. Pure. */
import type { Sandbox } from '../../contract/host.ts';
import type { TargetRecord } from '../../journal/record.ts';

/** A pod as people know it. */
export function podName({ podNamespace, podName: name }: Pick<Sandbox, 'podNamespace' | 'podName'>): string {
  return `pod ${podNamespace}/${name}`;
}

/** Who is or was hit, for people. */
export function targetName(target: TargetRecord): string {
  switch (target.kind) {
    case 'pod-network':
      return podName(target);
    case 'containers': {
      const names = target.containers.map(({ name }) => name).join(', ');
      return `container${target.containers.length === 1 ? '' : 's'} ${names} of ${podName(target)}`;
    }
    case 'node':
      return `node ${target.nodeName}`;
  }
}

/** What tells a target from any other on any node: part of what makes two requests the same. */
export function targetIdentity(target: TargetRecord): string {
  return target.kind === 'node' ? target.nodeName : target.podUid;
}

/** Records of the same target take turns. */
export function targetKey(target: Extract<TargetRecord, { kind: 'containers' | 'node' }>): string {
  return target.kind === 'node' ? 'node' : target.containers.map(({ id }) => id).join(' ');
}
