/** What Redis answers later than this counts as no answer: a server that hangs would hold up every caller. */
export const ANSWER_MS_MAX = 2_000;
