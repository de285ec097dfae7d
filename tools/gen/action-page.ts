/** The page of an action, and the index of them all, as Markdown. Pure. */
import { toldParameters, type Action, type ToldParameter } from '@chaosplane/actions';

const NOTE = '<!-- Generated from packages/actions by `npm run gen`; edit the action instead. -->';

/** The index: a row per action. */
export function renderIndex(actions: readonly Action[]): string {
  const rows = actions.map(
    (action) => `| [${action.name}](${action.name}.md) | ${action.targetKind} | ${action.summary} |`,
  );
  return [NOTE, '', '# Actions', '', '| action | target | what happens |', '|---|---|---|', ...rows, ''].join('\n');
}

/** The page of one action. */
export function renderAction(action: Action): string {
  const also = action.aliases.length === 0 ? [] : [`Also accepted: ${action.aliases.map(code).join(', ')}.`, ''];
  const ends = action.recover === 'undo' ? 'It lasts, and is undone.' : 'It happens once; there is nothing to undo.';
  return [
    NOTE,
    '',
    `# ${action.name}`,
    '',
    `${action.summary} Target: ${action.targetKind}. ${ends}`,
    '',
    ...also,
    action.description,
    '',
    '## Parameters',
    '',
    '| parameter | default | allowed | meaning |',
    '|---|---|---|---|',
    ...toldParameters(action).map(parameterRow),
    '',
    '## Evidence',
    '',
    action.evidence,
    '',
    '## Example',
    '',
    '```yaml',
    ...experiment(action),
    '```',
    '',
    ...grpcRequest(action),
  ].join('\n');
}

function parameterRow(told: ToldParameter): string {
  const aliases = told.aliases.map((alias) => `, ${code(alias)}`).join('');
  const initial = told.default === undefined ? (told.required ? 'required' : '–') : code(told.default);
  return `| ${[code(told.name) + aliases, initial, cell(told.allowed), cell(told.description)].join(' | ')} |`;
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function code(text: string): string {
  return `\`${text}\``;
}

function experiment(action: Action): string[] {
  const target =
    action.targetKind === 'Pod'
      ? [
          '    kind: Pod',
          '    namespace: default',
          '    labelSelector:',
          '      matchLabels:',
          '        app: web',
          '    mode: one',
        ]
      : ['    kind: Node', '    names: [worker-1]'];
  return [
    'apiVersion: chaos.chaosplane.io/v1alpha1',
    'kind: ChaosExperiment',
    'metadata:',
    `  name: ${action.name}-example`,
    '  namespace: default',
    'spec:',
    '  target:',
    ...target,
    '  action:',
    `    type: ${action.name}`,
    ...(Object.keys(action.example).length === 0 ? [] : ['    parameters:']),
    // Quoted as JSON, which is YAML: a value such as 25% or yes stays a string.
    ...Object.entries(action.example).map(([key, value]) => `      ${key}: ${JSON.stringify(value)}`),
    '  duration: 1m',
    ...(action.injectionTimeout === undefined ? [] : [`  injectionTimeout: ${action.injectionTimeout}`]),
  ];
}

/** The same as a request to the daemon of a node. */
function grpcRequest({ route, targetKind, example }: Action): string[] {
  if (route.on !== 'daemon') return [];
  const method = `${route.rpc.slice(0, 1).toUpperCase()}${route.rpc.slice(1)}`;
  const field = route.rpc === 'execStressChaos' ? 'stressor_type' : 'action';
  const target = targetKind === 'Pod' ? { podName: 'web-0', podNamespace: 'default' } : {};
  const request = {
    experiment_id: 'by-hand',
    ...(route.wireAction === '' ? {} : { [field]: route.wireAction }),
    parameters: { ...target, ...example },
  };
  return [
    `The same as a request to the daemon of a node, \`chaosplane.daemon.v1.ChaosDaemon/${method}\`, for example by grpcurl:`,
    '',
    '```json',
    JSON.stringify(request, undefined, 2),
    '```',
    '',
  ];
}
