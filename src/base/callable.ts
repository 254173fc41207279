/**
 * Kinds of numbers that may be called because somebody wrote or dialled them, by libphonenumber's names. Personal numbers (070 in Britain)
 * and pagers are dear, UANs and shared-cost numbers cost the caller: us.
 */
export const CALLABLE: ReadonlySet<string | undefined> = new Set(['FIXED_LINE', 'MOBILE', 'FIXED_LINE_OR_MOBILE', 'VOIP', 'TOLL_FREE']);
