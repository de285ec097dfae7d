/** Forty experiments that are refused, and what each is told. */

/** What they differ from. */
export const good = {
  target: { labelSelector: { matchLabels: { app: 'web' } } },
  action: { type: 'network-delay', parameters: { latency: '100ms' } },
  duration: '30s',
};

/** A change of the experiment, and a part of the problem that it is. */
type Bad = readonly [changes: object, problem: string];

const targets: readonly Bad[] = [
  [{ mode: 'all' }, 'spec.target: nothing says which targets are meant'],
  [{ names: ['a'], mode: 'fixed' }, 'spec.target.value: mode fixed needs a value'],
  [{ names: ['a'], mode: 'one', value: 1 }, 'spec.target.value: mode one takes no value'],
  [{ names: ['a'], mode: 'fixed-percent', value: 101 }, 'spec.target.value: 101 is more than 100 percent'],
  [{ kind: 'Node', names: ['n'], namespace: 'shop' }, 'spec.target.namespace: nodes have no namespace'],
  [{ names: ['A_b'] }, 'spec.target.names.0: '],
  [{ names: ['a'], namespace: 'Team-B' }, 'spec.target.namespace: "Team-B" is not the name of a namespace'],
  [{ names: ['a'], namespace: ' shop' }, 'spec.target.namespace: " shop" is not the name of a namespace'],
  [{ labelSelector: { matchLabels: { 'a b': 'x' } } }, '"a b" is not the name of a label'],
  [
    { labelSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
    'matchExpressions.0.values: In needs values',
  ],
];

const network = (parameters: object): object => ({ type: 'network-delay', parameters });
const actions: readonly Bad[] = [
  [{ type: 'network-lag' }, 'spec.action.type: "network-lag" is not an action'],
  [network({}), 'spec.action.parameters.latency: it is required'],
  [network({ latency: 'soon' }), 'spec.action.parameters.latency: "soon"'],
  [network({ latency: '1ms', jiter: '1ms' }), '"jiter" is not a parameter; did you mean jitter?'],
  [network({ latency: '1ms', direction: 'up' }), 'spec.action.parameters.direction: "up"'],
  [network({ latency: '1ms', peers: '10.0.0.0/33' }), 'spec.action.parameters.peers: '],
  [{ type: 'network-loss', parameters: { percent: 101 } }, 'spec.action.parameters.percent: '],
  [{ type: 'pod-http-abort', parameters: { port: 80, statusCode: 99 } }, 'spec.action.parameters.statusCode: '],
];

const others: readonly Bad[] = [
  [{ duration: '30' }, 'spec.duration: "30" has no unit'],
  [{ duration: '24h' }, 'spec.duration: it is out of range'],
  [{ injectionTimeout: '0s' }, 'spec.injectionTimeout: it is no time at all'],
  [{ steadyState: { before: [{ type: 'http', url: 'shop' }] } }, 'spec.steadyState.before.0.url: it is not a URL'],
  [
    { steadyState: { after: [{ type: 'k8s', kind: 'Pod', ready: { count: 1 } }] } },
    'nothing says which objects are meant',
  ],
  [
    { steadyState: { during: [{ type: 'http', url: 'http://s/', interval: '10ms' }] } },
    'spec.steadyState.during.0.interval: it is out of range',
  ],
  [
    { steadyState: { during: [{ type: 'http', url: 'http://s/', tolerance: {} }] } },
    'spec.steadyState.during.0.tolerance: it says nothing',
  ],
  [
    {
      abortConditions: [
        { type: 'prometheus', url: 'http://p/api/v1/query', query: 'up', expect: { operator: '<', value: 1 } },
      ],
    },
    'spec.abortConditions.0.url: the path /api/v1/query is added to it',
  ],
  [{ peers: [{ cidr: '10.0.0.0/33' }] }, 'spec.peers.0'],
];

/** Forty experiments, each with three problems in three places. */
export const BAD = Array.from({ length: 40 }, (_, index): readonly [changes: object, problems: readonly string[]] => {
  const [target, action, other] = [targets[index % 10]!, actions[index % 8]!, others[index % 9]!];
  return [{ target: target[0], action: action[0], ...other[0] }, [target[1], action[1], other[1]]];
});
