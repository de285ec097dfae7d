/** Every action of the catalogue as a step, one after the other: what each of them ends with on one machine. */
import { hostname } from 'node:os';
import { catalogue, type Action } from '@chaosplane/actions';

/** What a step is given, and the message that it ends with. */
interface ActionStep {
  readonly parameters: Readonly<Record<string, string>>;
  readonly phase: 'Succeeded' | 'Failed';
  readonly message: RegExp;
}

const verified = /the effect was verified on 1 of 1 targets$/;
const noTraffic = /the effect was verified on 0 of 1 targets: nothing in scope came by$/;

/** Those that a daemon carries out; HTTP is asked of the pods meanwhile, and no names. */
const steps: Readonly<Record<string, ActionStep>> = {
  'container-kill': { parameters: {}, phase: 'Succeeded', message: verified },
  'hello-world': { parameters: {}, phase: 'Succeeded', message: verified },
  'network-bandwidth': { parameters: { rate: '10mbit' }, phase: 'Succeeded', message: verified },
  'network-corrupt': { parameters: { percent: '100%' }, phase: 'Succeeded', message: verified },
  'network-delay': { parameters: { latency: '50ms' }, phase: 'Succeeded', message: verified },
  'network-duplicate': { parameters: { percent: '100%' }, phase: 'Succeeded', message: verified },
  'network-loss': { parameters: { percent: '100%' }, phase: 'Succeeded', message: verified },
  'network-partition': { parameters: { how: 'reset' }, phase: 'Succeeded', message: verified },
  'node-restart': { parameters: {}, phase: 'Failed', message: /--allow-node-restart/ },
  'pod-cpu-stress': { parameters: { workers: '1', load: '20' }, phase: 'Succeeded', message: verified },
  'pod-dns-error': { parameters: { domains: 'api.shop' }, phase: 'Succeeded', message: noTraffic },
  'pod-http-abort': { parameters: { port: '8080', statusCode: '503' }, phase: 'Succeeded', message: verified },
  'pod-http-delay': { parameters: { port: '8080', delay: '50ms' }, phase: 'Succeeded', message: verified },
  'pod-io-stress': { parameters: { path: '/', size: '1Mi' }, phase: 'Succeeded', message: verified },
  'pod-memory-stress': { parameters: { size: '16Mi' }, phase: 'Succeeded', message: verified },
  'stress-cpu': { parameters: { workers: '1', load: '20' }, phase: 'Succeeded', message: verified },
  'stress-memory': { parameters: { size: '16Mi' }, phase: 'Succeeded', message: verified },
};

/** The names of the actions that one machine does not carry out: the operator of a cluster does. */
export const onClustersAlone = ['node-drain', 'node-taint', 'pod-kill'] as const;

const stepName = (action: string): string => action.replaceAll('-', '_');

/** By the name of its step; one for each action of the catalogue but those of clusters. */
export const everyAction: ReadonlyMap<string, ActionStep> = new Map(
  Object.entries(steps).map(([action, step]) => [stepName(action), step]),
);

/** Where they are carried out. */
export interface Place {
  /** Default: this machine. */
  readonly node?: string;
  /** Of the pod `web`, where it has several. */
  readonly containerName?: string;
}

const isOfOneContainer = (name: string): boolean => /^pod-.*-stress$/.test(name);

/** An experiment of a second; what kills hits `idle`. */
export const experimentOf = (
  { name, targetKind }: Pick<Action, 'name' | 'targetKind'>,
  { node = hostname(), containerName }: Place = {},
): object => ({
  target:
    targetKind === 'Node'
      ? { kind: 'Node', names: [node] }
      : { names: [name === 'container-kill' ? 'idle' : 'web'], mode: 'all' },
  action: {
    type: name,
    parameters: {
      ...(steps[name]?.parameters ?? catalogue.find((one) => one.name === name)?.example),
      ...(isOfOneContainer(name) && containerName !== undefined ? { containerName } : {}),
    },
  },
  duration: '1s',
});

/** The actions of the catalogue, one after the other; each begins also when the one before has failed. */
export function everyActionSpec(place: Place = {}): object {
  const here = catalogue.filter(({ name }) => !(onClustersAlone as readonly string[]).includes(name));
  return {
    templates: here.map((action) => ({ name: stepName(action.name), experiment: experimentOf(action, place) })),
    steps: here.map(({ name }, index) => ({
      ...{ name: stepName(name), template: stepName(name) },
      dependencies: here
        .slice(0, index)
        .slice(-1)
        .map((before) => stepName(before.name)),
      errorHandling: { strategy: 'continue' },
    })),
  };
}
