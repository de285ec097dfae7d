/** What the webhook answers: every problem of a resource at once. Pure. */
import { API_VERSION, parseExperiment, parsePolicy, type ExperimentObject } from '@chaosplane/api';
import { ChaosError, countOf, invalidArgument } from '@chaosplane/common';
import { z } from 'zod';
import { specAsApplied } from '../controllers/experiment/applied.ts';

const VERSION = 'admission.k8s.io/v1';

/** What is read of a review: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request */
const reviewSchema = z.looseObject({
  apiVersion: z.literal(VERSION),
  kind: z.literal('AdmissionReview'),
  request: z.looseObject({
    uid: z.string().min(1).max(128),
    namespace: z.string().optional(),
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
  };
}

const parsers: Readonly<Record<string, (request: Reviewed) => unknown>> = {
  ChaosExperiment: ({ object, namespace }) =>
    parseExperiment(
      {
        ...documentOf(object, namespace),
        spec: specAsApplied(object as unknown as Pick<ExperimentObject, 'metadata' | 'spec'>),
      },
      'cluster',
    ),
  BlastRadiusPolicy: ({ object }) => parsePolicy({ ...documentOf(object), spec: object.spec }),
};

/** One that gets its name from the API server has none yet. */
function documentOf({ apiVersion, kind, metadata }: Reviewed['object'], namespace?: string): object {
  const name = metadata.name ?? `${metadata.generateName ?? 'a'}x`.slice(-63);
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
}

/**
 * Answers one review. A kind that is not ours is allowed.
 * @throws ChaosError INVALID_ARGUMENT when the document is no review.
 */
export function answerReview(document: unknown): AdmissionReview {
  const read = reviewSchema.safeParse(document);
  if (read.data === undefined)
    throw invalidArgument('the review', [
      { path: 'the document', wrong: 'it is none', allowed: `an AdmissionReview of ${VERSION}` },
    ]);
  const { request } = read.data;
  const message = whyNot(request);
  return {
    apiVersion: VERSION,
    kind: 'AdmissionReview',
    response: {
      uid: request.uid,
      allowed: message === undefined,
      ...(message === undefined ? {} : { status: { code: 422, reason: 'Invalid', message } }),
    },
  };
}

/** Everything that is wrong, a line each; undefined when nothing is. */
function whyNot(request: Reviewed): string | undefined {
  const { apiVersion, kind } = request.object;
  const parse = apiVersion === API_VERSION ? parsers[kind] : undefined;
  try {
    parse?.(request);
    return undefined;
  } catch (error) {
    if (!(error instanceof ChaosError)) throw error;
    const lines = error.problems.map(({ path, wrong, allowed }) => `  - ${path}: ${wrong}; allowed: ${allowed}`);
    return lines.length === 0 ? error.message : [`${countOf(lines.length, 'problem')}:`, ...lines].join('\n');
  }
}
