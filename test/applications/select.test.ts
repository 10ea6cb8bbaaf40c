/** @file Splits by patient: whole patients, all of them, near the share that was asked for. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { type Slice, splitByPatient } from "../../src/applications/ct/select.js";

const slices = (patients: readonly string[]): Slice[] =>
  patients.map((patient, index) => ({ image: new Float32Array(1), patient, index }));
const names = (side: readonly Slice[]) => side.map(({ patient }) => patient).join("");

test.each([
  ["patients that stand together", "aaabbbcccc", 0.5, "aaabbb", "cccc"],
  ["patients in any order", "abcabcabca", 0.5, "abababa", "ccc"],
  ["slices of their own", "abcdefghij", 0.9, "abcdefghi", "j"],
  ["one large last patient", "abbbbbbbbb", 0.9, "a", "bbbbbbbbb"],
  ["one large first patient", "aaaaaaaaab", 0.1, "aaaaaaaaa", "b"],
])("%s", (_, patients, share, first, second) => {
  expect(splitByPatient(slices([...patients]), share).map(names)).toEqual([first, second]);
});

test("no patient is on both sides, and no slice is lost", () => {
  const patients = fc.array(fc.constantFrom("a", "b", "c", "d", "e", "f"), { minLength: 2, maxLength: 40 });
  fc.assert(
    fc.property(patients, fc.double({ min: 0.05, max: 0.95, noNaN: true }), (drawn, share) => {
      fc.pre(new Set(drawn).size > 1);
      const all = slices(drawn);
      const [first, second] = splitByPatient(all, share);
      expect(first.filter(({ patient }) => second.some((other) => other.patient === patient))).toEqual([]);
      expect([...first, ...second].sort((a, b) => a.index - b.index)).toEqual(all);
      expect(second.length).toBeGreaterThan(0);
    }),
  );
});

test("one patient cannot be split", () => {
  expect(() => splitByPatient(slices(["a", "a", "a"]), 0.9)).toThrow(
    "expected slices of at least two patients, got 3 of 1",
  );
});
