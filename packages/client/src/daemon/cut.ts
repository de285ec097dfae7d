/** Texts that are cut to a length. */

/** At most `longest` characters of the text; an ellipsis says that there was more. */
export const cut = (text: string, longest: number): string =>
  text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
