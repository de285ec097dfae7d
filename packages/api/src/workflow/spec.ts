/** The ChaosWorkflow resource: its schema. */
import * as z from 'zod';
import { probeSchema } from '../probe/probe.ts';
import { namespaceName, objectName } from '../shared/names.ts';
import { closed, positiveDuration, waitDuration } from '../shared/schema.ts';
import { API_VERSION } from '../shared/version.ts';

/** What a parameter may be. */
export const parameterTypes = ['string', 'integer', 'boolean', 'duration'] as const;

/** Steps of a workflow, with those of the templates that it uses; so many fit in objects of 256 KiB. */
export const MOST_STEPS = 300;

/** Templates within templates at most: the names of steps grow with them. */
export const MOST_DEPTH = 8;

/** The spec at most, as JSON: `kubectl apply` keeps it twice, and the status has a line for each step. Bytes. */
export const MOST_SPEC = 90 * 1024;

const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;

/** Expressions say `steps.NAME`, so names are identifiers. */
const identifier = z
  .string()
  .min(1)
  .max(63)
  .superRefine((text, { addIssue }) => {
    if (text === '' || text.length > 63 || NAME.test(text)) return;
    const allowed = 'letters, digits and _, beginning with a letter, at most 63 long: expressions say steps.NAME';
    addIssue({ code: 'custom', message: 'it is not a name', params: { allowed } });
  });

const value = z.union([z.string().max(1024), z.number(), z.boolean()]);
const values = z.record(z.string(), value);
const expression = z.string().min(1).max(1024);

const parameter = closed({
  name: identifier.describe('How templates name it: ${{ parameters.NAME }}.'),
  type: z.enum(parameterTypes).default('string').describe('What its values must be.'),
  default: value.optional().describe('Its value where none is given. Absent: one must be given.'),
});

const parameters = z.array(parameter).max(50).default([]);

const errorHandling = closed({
  strategy: z
    .enum(['abort', 'continue', 'retry', 'rollback'])
    .default('abort')
    .describe(
      'What happens when it fails. abort: the workflow ends, and what is in force recovers at once; continue: steps that depend on it begin; retry: it is tried again, and then as abort; rollback: as abort, and what is in force recovers in the reverse order of its beginning.',
    ),
  limit: z.int().min(1).max(100).default(3).describe('For retry: how often it is tried again.'),
  backOff: positiveDuration.prefault('10s').describe('For retry: how long to wait before the second try.'),
  factor: z
    .number()
    .min(1)
    .max(10)
    .default(2)
    .describe('For retry: how many times longer each wait is than the one before.'),
  maxBackOff: positiveDuration.prefault('5m').describe('For retry: the longest wait.'),
});

const step = closed({
  name: identifier.describe('What expressions and other steps call it.'),
  template: identifier.describe('What is done: the name of a template.'),
  arguments: values
    .default({})
    .describe('Values of the parameters of the template; `${{ parameters.NAME }}` passes one on.'),
  dependencies: z
    .array(identifier)
    .max(100)
    .default([])
    .describe('The steps beside it that must be over before it begins.'),
  when: expression
    .optional()
    .describe(
      "CEL: whether it is done at all, such as steps.slow.verdict == 'Held'. False: it is skipped, and what depends on it begins.",
    ),
  errorHandling: errorHandling.optional().describe('Default: that of the step that it is a part of, or abort.'),
});

const steps = z.array(step).min(1).max(MOST_STEPS);

/** What a template is: exactly one of these. */
export const templateKinds = ['experiment', 'workflow', 'parallel', 'delay', 'condition', 'suspend', 'probe'] as const;

const template = closed({
  name: identifier.describe('What steps call it.'),
  parameters: parameters.describe('What steps give it.'),
  experiment: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('The spec of a ChaosExperiment. ${{ parameters.NAME }} stands for a value, in any field.'),
  workflow: closed({ steps: steps.describe('Its steps, with dependencies of their own.') })
    .optional()
    .describe('Steps in an order of their own.'),
  parallel: closed({ steps: steps.describe('Its steps.') })
    .optional()
    .describe('Steps that begin at the same time.'),
  delay: positiveDuration.optional().describe('Waits for so long: 30s.'),
  condition: expression
    .optional()
    .describe('CEL. False: the steps that depend on it are skipped, and those behind them.'),
  suspend: closed({
    timeout: waitDuration
      .optional()
      .describe('After so long it has failed. Absent: it waits for as long as the workflow may take.'),
  })
    .optional()
    .describe('Waits until chaosplane resume.'),
  probe: probeSchema.optional().describe('Fails when the probe does not pass.'),
}).superRefine((told, { addIssue }) => {
  const kinds = templateKinds.filter((kind) => told[kind] !== undefined);
  if (kinds.length === 1) return;
  const message = kinds.length === 0 ? 'it does nothing' : `it is ${kinds.join(' and ')}`;
  addIssue({ code: 'custom', path: [], message, params: { allowed: `exactly one of ${templateKinds.join(', ')}` } });
});

/** What a workflow wants, as a document says it. The resource definition of Kubernetes is made from it. */
export const workflowSpecSchema = closed({
  parameters: parameters.describe('What is given when it is run: by arguments, by -p NAME=VALUE, or by a schedule.'),
  arguments: values.default({}).describe('Values of its parameters.'),
  templates: z.array(template).min(1).max(100).describe('What its steps do.'),
  steps: steps.describe('What is done, in the order of the dependencies; steps without any begin at once.'),
  onExit: z
    .array(step)
    .max(20)
    .default([])
    .describe('What is done when everything else is over, however it ended; always, and once.'),
  execution: closed({
    maxParallelism: z.int().min(1).max(50).default(5).describe('How many experiments are under way at the same time.'),
  })
    .prefault({})
    .describe('How it is carried out.'),
  deadline: waitDuration.optional().describe('After so long it is ended, and has failed. onExit is done all the same.'),
});

/** The document. */
export const workflowSchema = closed({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('ChaosWorkflow'),
  metadata: z.looseObject({ name: objectName, namespace: namespaceName.default('default') }),
  spec: workflowSpecSchema,
  // Kubernetes adds it; it is never the user's.
  status: z.unknown().optional(),
});

/** A workflow as its document says it, with defaults. */
export type WorkflowDocument = z.output<typeof workflowSchema>;
/** One parameter of a workflow or of a template. */
export type ParameterSpec = z.output<typeof parameter>;
/** One template. */
export type TemplateSpec = z.output<typeof template>;
/** One step. */
export type StepSpec = z.output<typeof step>;
