/** @file How models whose weights are log-sum slopes are trained. */

import { neumann } from "../../../backward/neumann.js";

/** Solver steps of a visit. */
export const SERIES_STEPS = { warm: 12, cold: 156 };

/** 20 terms after JFB's, k = 0, which goes uphill for the weakly convex model: it does not see how slopes follow the image. */
export const series = neumann(20);
