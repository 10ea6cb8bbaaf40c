/** @file What the benches must show: fixed before they are run. */

/** A figure by key: the least, the most or the only value that meets its goal. */
export type Threshold = { readonly least: number } | { readonly most: number } | { readonly only: number };

export const thresholds: Readonly<Record<string, Readonly<Record<string, Threshold>>>> = {
  level: {
    level_violations: { only: 0 },
    controls_that_fail: { only: 2 },
    joint_power_over_bonferroni: { least: 1 },
  },
  ood: { ood_flagged: { least: 0.8 }, ood_false_alarm: { most: 0.05 } },
  power: { power_noise_x2: { least: 0.9 } },
  tamper: { accepted: { only: 0 }, honest_verified: { only: 1 }, lost: { only: 0 } },
  /** Published whatever they are: aurc_p and aurc_gap beside aurc_random, with 95 % intervals. */
  riskcoverage: {},
};

/** How the level is measured. */
export const LEVEL = {
  seed: 20261122,
  alpha: 0.05,
  calibrationSizes: [19, 59, 199, 999],
  /** Each draws N + 1 of a pool of scores: N to calibrate on, one to test. */
  resplits: 20_000,
  /** Properties of the joint test, and the correlation of their scores. */
  properties: 3,
  correlation: 0.8,
  /** Size of the shift on one property, in standard deviations, for the power of the joint test at N = 199. */
  shift: 2.5,
  /** A setting is a violation if its 99 % Clopper–Pearson interval lies above alpha. */
  confidence: 0.99,
  /** End to end: side of the phantoms, calibration size, fresh phantoms, each tested once. */
  endToEnd: { size: 32, calibration: 199, fresh: 2000 },
} as const;

/** How the power is measured: on slices of test patients, calibrated on calibration patients. */
export const POWER = {
  seed: 20261122,
  alpha: 0.05,
  calibration: 99,
  slices: 40,
  /** Views withheld from the self-consistency solve. */
  held: 6,
} as const;

/** How other parts of the body are looked for: calibrated on calibration patients, `slices` of each set. */
export const OOD = { seed: 20261122, alpha: 0.05, calibration: 199, slices: 96 } as const;

export const TAMPER = { seed: 20261122, bundles: 50, appends: 200 } as const;

export const RISK = { seed: 20261122, calibration: 99, slices: 96, bootstraps: 2000 } as const;
