/** @file The arrows of the architecture: what each part of src/ may import. */

/** From the first to the last; parts of one line do not know each other. */
const levels = [
  ["errors", "version"],
  ["random"],
  ["tensor"],
  ["linear", "sets", "networks"],
  ["functions"],
  ["layers"],
  ["problem", "operator", "points"],
  ["dual"],
  ["witness"],
  ["splitting"],
  ["solvers", "backward"],
  ["model"],
  ["training", "certificates", "checks"],
  ["files"],
  ["receipts"],
  ["attest"],
  ["applications"],
  ["index"],
];

/** Parts beside the line: what they may import, and the first level that may import them. */
const beside = {
  engine: { imports: ["errors", "tensor"], from: "solvers" },
  verify: { imports: ["errors", "random", "tensor"], from: "dual" },
};

const at = (part) => levels.findIndex((level) => level.includes(part));
const may = {
  ...Object.fromEntries(
    levels.flatMap((level, i) =>
      level.map((part) => [
        part,
        [
          ...levels.slice(0, i).flat(),
          ...Object.keys(beside).filter(
            (name) => at(beside[name].from) <= i && (part !== "backward" || name !== "engine"),
          ),
        ],
      ]),
    ),
  ),
  ...Object.fromEntries(Object.entries(beside).map(([name, { imports }]) => [name, imports])),
};

const pathOf = (part) => `^src/${part}(/|\\.ts$)`;

module.exports = {
  forbidden: [
    ...Object.entries(may).map(([part, imports]) => ({
      name: `arrow-${part}`,
      comment: `${part} may import ${imports.join(", ") || "nothing of src"}`,
      severity: "error",
      from: { path: pathOf(part) },
      to: { path: "^src/", pathNot: [pathOf(part), ...imports.map(pathOf)] },
    })),
    {
      name: "verify-without-engine",
      comment: "a verifier must not trust, or install, the engine",
      severity: "error",
      from: { path: pathOf("verify") },
      to: { path: [pathOf("engine"), "onnxruntime"], reachable: true },
    },
    {
      name: "receipts-without-engine",
      comment: "receipts are verified where there is no engine",
      severity: "error",
      from: { path: pathOf("receipts") },
      to: { path: [pathOf("engine"), pathOf("model"), "onnxruntime"], reachable: true },
    },
    {
      name: "engine-alone-knows-ort",
      severity: "error",
      from: { path: "^src/", pathNot: pathOf("engine") },
      to: { path: ["onnxruntime", "onnx-proto"] },
    },
    {
      name: "library-alone",
      comment: "src knows nothing of what uses it",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(bench|cli|examples|scratch|test|web)/" },
    },
    {
      name: "no-node",
      comment: "src runs in browsers",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "resolved",
      comment: "an import that does not resolve would escape the other rules",
      severity: "error",
      from: { path: "^src/" },
      to: { couldNotResolve: true },
    },
    {
      name: "no-cycles",
      comment: "except of types alone",
      severity: "error",
      from: { path: "^src/" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".js", ".mjs", ".cjs", ".json", ".d.ts"],
    },
  },
};
