/** What the actions share that hit packets by chance: how many of them, and whether they come in bursts. */
import { parsePercent, type Problem } from '@chaosplane/common/pure';
import { defaulted, parsePositivePercent, required } from './parameter.ts';

/** The parameters of the chance; `what` happens to a packet: `lost`. */
export function chanceParameters(what: string) {
  return {
    percent: required(parsePositivePercent, {
      description: `The share of packets that is ${what}.`,
      allowed: 'a percentage above 0, up to 100, such as 25 or 25%',
    }),
    correlation: defaulted(parsePercent, {
      description: `How much each choice depends on the one for the packet before: with more of it, packets are ${what} in bursts.`,
      allowed: 'a percentage from 0 to 100, such as 25 or 25%',
      default: '0',
    }),
  } as const;
}

/** With a correlation, packets are chosen in a cycle of 4096 packets: shares below one of these cannot be carried out. */
const FINEST_PERCENT = 100 / 4096;

/** The chance of values that are each valid. */
export function toChance(
  { percent, correlation }: { readonly percent: number; readonly correlation: number },
  problems: Problem[],
): { readonly percent: number; readonly correlationPercent: number } {
  const odd = percent < FINEST_PERCENT || (percent < 100 && percent > 100 - FINEST_PERCENT);
  if (correlation > 0 && odd) {
    const wrong = `${percent}% is too fine for packets in bursts, of which 4096 are drawn at a time`;
    problems.push({ path: 'parameters.percent', wrong, allowed: '0.025 to 99.975, or 100, or no correlation' });
  }
  return { percent, correlationPercent: correlation };
}
