/** What the webhook answers: every problem of a resource at once, and what the policies of the cluster have against it. */
import {
  API_VERSION,
  parseExperiment,
  parsePolicy,
  parseSchedule,
  parseWorkflow,
  readAsked,
  type AskedSpec,
  type ExperimentObject,
  type WorkflowSpec,
} from '@chaosplane/api';
import { ChaosError, countOf, invalidArgument, MOST_PROBLEMS, type Problem } from '@chaosplane/common';
import { denials, toldOf, type Finding } from '@chaosplane/lifecycle';
import * as z from 'zod';
import { scheduleAsApplied, specAsApplied, workflowAsApplied } from '../controllers/experiment/applied.ts';

const VERSION = 'admission.k8s.io/v1';

/** What is read of a review: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request */
const reviewSchema = z.looseObject({
  apiVersion: z.literal(VERSION),
  kind: z.literal('AdmissionReview'),
  request: z.looseObject({
    uid: z.string().min(1).max(128),
    namespace: z.string().optional(),
    userInfo: z.looseObject({
      username: z.string(),
      uid: z.string().optional(),
      groups: z.array(z.string()).optional(),
      extra: z.record(z.string(), z.array(z.string())).optional(),
    }),
    object: z.looseObject({
      apiVersion: z.string(),
      kind: z.string(),
      metadata: z.looseObject({ name: z.string().optional(), generateName: z.string().optional() }),
      spec: z.unknown().optional(),
    }),
  }),
});

type Reviewed = z.output<typeof reviewSchema>['request'];

/** The answer to a review. */
export interface AdmissionReview {
  readonly apiVersion: typeof VERSION;
  readonly kind: 'AdmissionReview';
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    /** Why not, as the API server tells it. */
    readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
    /** What kubectl prints beside the result. */
    readonly warnings?: readonly string[];
  };
}

/** Who asks the API server. */
export type Asker = Reviewed['userInfo'];

/** What policies are asked about: an experiment, or all those of a workflow. */
export type Wanted = AskedSpec | WorkflowSpec;

/** What the policies have against it, `key` is `namespace/name`; undefined where they are not known. */
export type JudgePolicies = (
  wanted: Wanted,
  by: { readonly key: string; readonly user: Asker },
) => Promise<readonly Finding[] | undefined>;

/** What is known of a document: everything that is wrong with it, and what policies are asked about. */
interface Read {
  readonly problems: readonly string[];
  /** Each run of a schedule is judged when it is made, and policies are about nothing else. */
  readonly wanted?: Wanted | undefined;
}

/** Undefined for kinds that are not read here. */
function readOf({ object, namespace }: Reviewed): Read | undefined {
  if (object.apiVersion !== API_VERSION) return undefined;
  const written = object as unknown as Pick<ExperimentObject, 'metadata' | 'spec'>;
  switch (object.kind) {
    case 'ChaosExperiment': {
      const document = { ...documentOf(object, namespace), spec: specAsApplied(written) };
      const { problems } = parsed(() => parseExperiment(document, 'cluster'));
      // Also of one with other faults.
      return { problems, wanted: readAsked(document) };
    }
    case 'ChaosSchedule': {
      const document = { ...documentOf(object, namespace), spec: scheduleAsApplied(written) };
      return parsed(() => parseSchedule(document, 'cluster'));
    }
    case 'ChaosWorkflow': {
      const document = { ...documentOf(object, namespace), spec: workflowAsApplied(written) };
      const { problems, value } = parsed(() => parseWorkflow(document, 'cluster'));
      return { problems, wanted: value?.spec };
    }
    case 'BlastRadiusPolicy':
      return parsed(() => parsePolicy({ ...documentOf(object), spec: object.spec }));
    default:
      return undefined;
  }
}

/** A document that is understood, or everything that is wrong with it. */
function parsed<T>(parse: () => T): { readonly problems: readonly string[]; readonly value?: T } {
  try {
    return { problems: [], value: parse() };
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    return { problems: error.problems.length === 0 ? [error.message] : error.problems.map(problemLine) };
  }
}

/** One that gets its name from the API server has none yet. */
function documentOf({ apiVersion, kind, metadata }: Reviewed['object'], namespace?: string): object {
  const name = metadata.name ?? `${metadata.generateName ?? 'a'}x`.slice(-63);
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
}

/**
 * Answers one review. A kind that is not ours is allowed. A dry run is told what a run would be refused for.
 * @throws ChaosError INVALID_ARGUMENT when the document is no review.
 */
export async function answerReview(document: unknown, judge: JudgePolicies): Promise<AdmissionReview> {
  const read = reviewSchema.safeParse(document);
  if (read.data === undefined)
    throw invalidArgument('the review', [
      { path: 'the document', wrong: 'it is none', allowed: `an AdmissionReview of ${VERSION}` },
    ]);
  const { request } = read.data;
  const { problems = [], wanted } = readOf(request) ?? {};
  const policies = wanted === undefined ? NOTHING : await judged(request, wanted, judge);
  const lines = [...problems, ...policies.denied];
  const told = lines.slice(0, MOST_PROBLEMS).map((line) => `  - ${line}`);
  const more = lines.length - told.length;
  const status = {
    ...(problems.length > 0 ? { code: 422, reason: 'Invalid' } : { code: 403, reason: 'Forbidden' }),
    message: [`${countOf(lines.length, 'problem')}:`, ...told, ...(more > 0 ? [`  - and ${more} more`] : [])].join(
      '\n',
    ),
  };
  return {
    apiVersion: VERSION,
    kind: 'AdmissionReview',
    response: {
      uid: request.uid,
      allowed: lines.length === 0,
      ...(lines.length === 0 ? {} : { status }),
      ...(policies.warnings.length === 0 ? {} : { warnings: policies.warnings.slice(0, MOST_WARNINGS) }),
    },
  };
}

/** The API server cuts off what is more than 4096 characters together. */
const MOST_WARNINGS = 16;

const problemLine = ({ path, wrong, allowed }: Problem): string => `${path}: ${wrong}; allowed: ${allowed}`;

/** What policies say, as far as the document says what they ask for. */
interface Judged {
  readonly denied: readonly string[];
  readonly warnings: readonly string[];
}

const NOTHING: Judged = { denied: [], warnings: [] };

async function judged(
  { object, namespace = '', userInfo: user }: Reviewed,
  wanted: Wanted,
  judge: JudgePolicies,
): Promise<Judged> {
  const key = `${namespace}/${object.metadata.name ?? ''}`;
  const findings = await judge(wanted, { key, user }).catch(notKnown);
  if (findings === undefined) return notKnown(undefined);
  if ('warnings' in findings) return findings;
  const against = denials(findings);
  const audited = findings
    .filter((finding) => !against.includes(finding))
    .map((finding) => `policy ${finding.policy} (Audit), rule ${finding.rule}: ${finding.message}`);
  const denied = against.map((finding) => toldOf([finding]));
  if (!isDryRun.safeParse(object).success) return { denied, warnings: audited };
  return { denied: [], warnings: [...denied.map((line) => `a run would be refused: ${line}`), ...audited] };
}

/** The operator asks them before it begins, and then an experiment is refused of which they are not known. */
function notKnown(error: unknown): Judged {
  const why = error instanceof Error ? `: ${error.message}` : '';
  return {
    denied: [],
    warnings: [
      `the policies of the cluster are not known at this moment${why}; they are judged before anything is begun`,
    ],
  };
}

const isDryRun = z.looseObject({ spec: z.looseObject({ execution: z.looseObject({ dryRun: z.literal(true) }) }) });
