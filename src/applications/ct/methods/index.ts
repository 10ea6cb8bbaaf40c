/** @file The learned methods of CT, in the order of tables. */

import { adaptiveMethod } from "./adaptive-method.js";
import { convex } from "./convex.js";
import { ffpnMethod } from "./ffpn.js";
import type { LearnedMethod } from "./learned.js";
import { proxMethod } from "./prox.js";
import { releasedMethod } from "./released.js";
import { unetMethod } from "./unet.js";
import { unrolledMethod } from "./unrolled-network.js";
import { weakMethod } from "./weak-method.js";

export const LEARNED: readonly LearnedMethod[] = [
  unetMethod,
  unrolledMethod,
  ffpnMethod,
  releasedMethod("released", 16),
  releasedMethod("released_c28", 28),
  convex,
  proxMethod,
  weakMethod,
  adaptiveMethod,
];

export * from "./adaptive.js";
export * from "./adaptive-method.js";
export * from "./convex.js";
export * from "./external.js";
export * from "./ffpn.js";
export * from "./iteration.js";
export * from "./learned.js";
export * from "./log-sum.js";
export * from "./prox.js";
export * from "./released.js";
export * from "./unet.js";
export * from "./unrolled-network.js";
export * from "./weak.js";
export * from "./weak-method.js";
export * from "./weighted.js";
