/** What the actions share that hit packets by chance: how many of them, and whether they come in bursts. */
import { parsePercent } from '@chaosplane/common';
import { defaulted, parsePositivePercent, required } from './parameter.ts';

/** The shape of the chance; `what` happens to a packet: `lost`. */
export function chanceShape(what: string) {
  return {
    percent: required(parsePositivePercent, {
      description: `The share of packets that is ${what}.`,
      allowed: 'a percentage above 0, up to 100, such as 25 or 25%',
    }),
    correlation: defaulted(parsePercent, {
      description: `How much the fate of a packet depends on the one before: with more of it, packets are ${what} in bursts.`,
      allowed: 'a percentage from 0 to 100, such as 25 or 25%',
      default: '0',
    }),
  } as const;
}
