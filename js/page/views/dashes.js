// Lines that can be told apart without colour: lengths of dashes and gaps, for each look of a series.

/** @type {readonly (readonly number[])[]} */
export const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [4, 2], [12, 4]];
