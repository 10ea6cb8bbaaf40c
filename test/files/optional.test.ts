/** @file Packages that one format needs: an error that says what to install where one is missing. */

import { expect, test } from "vitest";
import { optional } from "../../src/files/optional.js";

test("a package that is there is what was loaded", async () => {
  expect(await optional("parseDicom", "dcmjs", async () => 7)).toBe(7);
});

test("a package that is missing is named, with the command that installs it", async () => {
  const missing = "no-such-package-of-anyone";
  const load = () => optional("parseDicom", "dcmjs", () => import(missing));
  await expect(load()).rejects.toThrow(expect.objectContaining({ code: "file" }));
  await expect(load()).rejects.toThrow(
    /^parseDicom: expected the package dcmjs, an optional peer of this one, got .*no-such-package-of-anyone.*npm install dcmjs/,
  );
});
