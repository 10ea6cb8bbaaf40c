/** @file L2O with a learned convex regularizer: how it is trained. */

import { l2oMethod } from "../methods.js";
import { learnedConvex } from "../models.js";
import { definitionOf, type LearnedMethod, trainModel } from "./learned.js";

/** Solver steps of a visit: enough for the warm start to follow the weights, and for a cold start to come close. */
const STEPS = { warm: 12, cold: 156 };

/** See `learnedConvex`; by JFB on mean squared error. */
export const convex: LearnedMethod = {
  name: "l2o_convex",
  manifest: "ct-convex",
  summary: "learned convex regularizer; optimality provable",
  definition: { count: 32, size: 7, rho: 0.8 },
  recipe: { phases: 1, passes: 24, slices: 480, batch: 8, learningRate: 4e-3 },
  train: (ct, images, options) => {
    const { count, size, rho } = options.definition as { count: number; size: number; rho: number };
    return trainModel(convex, ct, learnedConvex(ct, { count, size, rho }), STEPS, images, options);
  },
  method: (ct, bundle) => {
    definitionOf(convex, bundle);
    return l2oMethod(ct, bundle);
  },
};
