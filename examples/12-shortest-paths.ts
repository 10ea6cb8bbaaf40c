/** Learn costs from contexts and shortest paths alone; decide with a proof that no path costs less for what is predicted. */

import {
  certifyPath,
  costOf,
  decidePaths,
  drawPathData,
  pathCalibration,
  trainPaths,
} from "../src/applications/decisions/index.js";

const data = drawPathData(4, { train: 300, test: 100, seed: 1 });
const { bundle } = await trainPaths(data, { phases: 1, passes: 30, validation: 50 });
const decisions = await decidePaths(bundle, data.test.contexts);

const edges = data.test.costs.length / data.test.count;
const lost = decisions.map(({ route }, n) => {
  const costs = data.test.costs.subarray(n * edges, (n + 1) * edges);
  return costOf(route.edges, costs) - data.test.routes[n]!.cost;
});
const optimal = lost.filter((value) => value < 1e-3).length;
console.log(`${optimal} of ${lost.length} paths are shortest for the true costs`);

const [first] = decisions;
const proof = first!.proof;
console.log(`first: ${proof.verdict}, gap ${proof.verdict === "VERIFIED" ? proof.relativeGap : "unknown"}`);
for (const { property, label, because } of certifyPath(first!, await pathCalibration(bundle, 100)))
  console.log(`  ${property} ${label}: ${because}`);
