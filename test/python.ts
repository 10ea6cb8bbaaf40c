/** @file A Python that has what a test needs. */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const beside = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));

/** The first Python that imports these modules: VOUCH_PYTHON, the one of ../.venv, python3; undefined where none does. */
export function pythonWith(modules: string): string | undefined {
  return [process.env["VOUCH_PYTHON"], beside, "python3"].find((python) => {
    if (python === undefined) return false;
    try {
      execFileSync(python, ["-c", `import ${modules}`], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  });
}
