/** Shares in percent, as people type them. */
import { quoted } from '@chaosplane/common/pure';
import * as z from 'zod';

/** A share in whole percent: '90%'. In percent, once parsed. */
export const wholeShare = z
  .string()
  .max(4)
  .transform((text, { addIssue }) => {
    const percent = /^([1-9][0-9]?|100)%$/.exec(text)?.[1];
    if (percent !== undefined) return Number(percent);
    const params = { allowed: "whole percent, such as '90%'" };
    addIssue({ code: 'custom', message: `${quoted(text)} is no share`, params });
    return z.NEVER;
  });

/** A share with up to three digits after the point: '99.9%'. In percent, once parsed. */
export const share = z
  .string()
  .max(7)
  .transform((text, { addIssue }) => {
    const percent = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(text)?.[1];
    if (percent !== undefined && Number(percent) > 0 && Number(percent) <= 100) return Number(percent);
    const params = { allowed: "percent, such as '99.5%'" };
    addIssue({ code: 'custom', message: `${quoted(text)} is no share`, params });
    return z.NEVER;
  });
