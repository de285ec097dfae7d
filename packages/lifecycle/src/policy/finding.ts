/** What a policy has against an experiment. */
import type { PolicySpec } from '@chaosplane/api';
import { countOf } from '@chaosplane/common/pure';

/** One rule of one policy that does not hold. */
export interface Finding {
  readonly policy: string;
  /** By the field of the policy that asks for it. */
  readonly rule: string;
  /** Audit: it is told only. */
  readonly enforcement: PolicySpec['enforcement'];
  /** The number, and what tipped it. */
  readonly message: string;
}

/** So many are told; all of them are in the logs of an operator that is asked again. */
const SHOWN = 5;

/** Findings for people: `policy shop, rule maxTargets: …`. */
export function toldOf(findings: readonly Omit<Finding, 'enforcement'>[]): string {
  const told = findings
    .slice(0, SHOWN)
    .map(({ policy, rule, message }) => `policy ${policy}, rule ${rule}: ${message}`);
  const more = findings.length - told.length;
  return [...told, ...(more > 0 ? [`and ${countOf(more, 'more finding')}`] : [])].join('; ');
}

/** Those that keep an experiment from being begun, or from going on. */
export function denials(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ enforcement }) => enforcement === 'Enforce');
}
