/** @file Do labels fail honest inferences as rarely as they say, one by one, together, and on the shipped path? */

import { simulateAll } from "../cli/ct.js";
import { solverData, tvMethod } from "../src/applications/ct/methods.js";
import { ellipses } from "../src/applications/ct/phantom.js";
import { tomography } from "../src/applications/ct/tomography.js";
import { calibrate } from "../src/certificates/calibration.js";
import { certify } from "../src/certificates/certify.js";
import { measureProperties } from "../src/certificates/measure.js";
import { random } from "../src/random.js";
import { gather } from "../src/solvers/rows.js";
import { sha256Hex } from "../src/verify/digest.js";
import { ecdfRate, isAbove, jointRates, type Rate, singleRate, trainedRate } from "./level-rates.js";
import type { Bench } from "./main.js";
import { LEVEL } from "./thresholds.js";

const BATCH = 64;

export const level: Bench = async (log) => {
  const { alpha, confidence, resplits, properties, correlation, shift } = LEVEL;
  const stream = random(LEVEL.seed).fork("level");
  const asked = { rounds: resplits, alpha };
  const rates: Rate[] = [];
  for (const N of LEVEL.calibrationSizes) {
    const draws = stream.fork(N);
    rates.push(singleRate(draws.fork("continuous"), N, "continuous", "conservative", asked));
    rates.push(singleRate(draws.fork("tied"), N, "tied", "conservative", asked));
    rates.push(singleRate(draws.fork("randomised"), N, "tied", "randomised", asked));
    for (const kind of ["continuous", "tied"] as const) {
      rates.push(jointRates(draws.fork(`joint ${kind}`), N, kind, { properties, correlation }, asked).joint);
    }
    log(`N = ${N}: done`);
  }
  const controls = [
    trainedRate(stream.fork("trained"), { rounds: resplits / 10, alpha }),
    ecdfRate(stream.fork("ecdf"), asked),
  ];
  const powers = [0, correlation].map((rho) =>
    jointRates(stream.fork(`power ${rho}`), 199, "continuous", { properties, correlation: rho, shift }, asked),
  );
  const shipped = await endToEnd(LEVEL.endToEnd, LEVEL.seed, log);
  const all = [...rates, ...shipped];
  for (const rate of [...all, ...controls]) log(`${percent(rate)}  ${rate.name}`);
  for (const { joint, bonferroni } of powers)
    log(`${percent(joint)} against ${percent(bonferroni)}  power, ${joint.name}`);
  const share = ({ fails, rounds }: Rate) => fails / rounds;
  return {
    figures: {
      level_settings: all.length,
      level_violations: all.filter((rate) => isAbove(rate, alpha, confidence)).length,
      largest_rate: Math.max(...all.map(share)),
      controls_that_fail: controls.filter((rate) => isAbove(rate, alpha, confidence)).length,
      trained_rate: share(controls[0]!),
      ecdf_rate: share(controls[1]!),
      joint_power: share(powers[1]!.joint),
      bonferroni_power: share(powers[1]!.bonferroni),
      joint_power_over_bonferroni: Math.min(...powers.map(({ joint, bonferroni }) => joint.fails / bonferroni.fails)),
      shipped_fresh: shipped[0]!.rounds,
      ...Object.fromEntries(shipped.map((rate) => [`shipped_${rate.name.split(" ")[1]}`, share(rate)])),
    },
    env: {},
  };
};

/**
 * Phantoms measured, reconstructed by TV and certified as `vouch reconstruct` does, each against N others drawn anew from all.
 *
 * Inferences that do not converge are left out of both parts.
 */
export async function endToEnd(
  { size, calibration: N, fresh }: { readonly size: number; readonly calibration: number; readonly fresh: number },
  seed: number,
  log: (line: string) => void,
): Promise<Rate[]> {
  const ct = tomography({ size });
  const method = tvMethod(ct);
  const { model, weights } = method;
  const solver = await method.open();
  const images = Array.from({ length: fresh + N }, (_, i) =>
    ellipses({ size, random: random(seed).fork("fresh").fork(i) }),
  );
  const measurements = simulateAll(ct, images, seed, "level");
  const samples: { values: Record<string, number>; digest: string; certifyWith: Certify }[] = [];
  try {
    for (let first = 0; first < images.length; first += BATCH) {
      const data = solverData(measurements.slice(first, first + BATCH));
      const { x, z, status } = await solver.reconstruct(measurements.slice(first, first + BATCH));
      measureProperties(model, weights, data, x, z).forEach((measured, row) => {
        if (status[row] !== "converged") return;
        const values = Object.fromEntries(Object.entries(measured).map(([name, { value }]) => [name, value]));
        const digest = `sha256:${sha256Hex(new Uint8Array(images[first + row]!.buffer))}`;
        const one = { d: gather(data.d, [row]), delta: gather(data.delta, [row]) };
        const own = gather(x, [row]);
        samples.push({
          values,
          digest,
          certifyWith: (calibration) => certify({ model, weights, data: one, x: own, calibration })[0]!,
        });
      });
      if (first % (8 * BATCH) === 0) log(`shipped path: ${samples.length} of ${images.length} solved`);
    }
  } finally {
    await solver.dispose();
  }
  const names = Object.keys(samples[0]!.values);
  const fails = new Map<string, number>([...names, "joint"].map((name) => [name, 0]));
  const count = (name: string) => fails.set(name, fails.get(name)! + 1);
  const stream = random(seed).fork("re-splits");
  const tested = samples.slice(0, fresh);
  tested.forEach((sample, i) => {
    const others = Array.from(stream.permutation(samples.length))
      .filter((j) => j !== i)
      .slice(0, N);
    const calibration = calibrate({
      values: Object.fromEntries(names.map((name) => [name, others.map((j) => samples[j]!.values[name]!)])),
      reference: "inferences",
      samples: others.map((j) => samples[j]!.digest),
    });
    const { certificates, joint } = sample.certifyWith(calibration);
    for (const { property, label } of certificates) if (label === "fail") count(property);
    if (joint.verdict === "TESTED" && joint.label === "fail") count("joint");
  });
  return [...fails].map(([name, failed]) => ({
    name: `shipped ${name} of ${size}² phantoms`,
    fails: failed,
    rounds: tested.length,
  }));
}

type Certify = (calibration: Parameters<typeof certify>[0]["calibration"]) => ReturnType<typeof certify>[number];

function percent({ fails, rounds }: Rate): string {
  return `${((100 * fails) / rounds).toFixed(2)} %`;
}
