/** @file A Python that has what is asked of it. */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const given = process.env["VOUCH_PYTHON"];
const beside = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));

/** Where Python is looked for: VOUCH_PYTHON, the one of ../.venv, python3, the system's. */
export const pythons: readonly string[] = [...(given ? [given] : []), beside, "python3", "/usr/bin/python3"];

/** The first Python that imports these modules; undefined where none does. */
export function pythonWith(modules: string): string | undefined {
  return pythons.find((python) => {
    try {
      execFileSync(python, ["-c", `import ${modules}`], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  });
}
