/** @file Digest lists: the honest bundle is read, and every other refused by the name of its file. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { digest } from "../../src/certificates/calibration.js";
import { digestsOf, formatDigests, parseDigests, requireListed } from "../../src/files/digests.js";
import { random } from "../../src/random.js";
import { thrown } from "../failure.js";

const text = (words: string) => new TextEncoder().encode(words);
const parts: Readonly<Record<string, Uint8Array>> = {
  "ct.safetensors": Uint8Array.from({ length: 300 }, (_, i) => (i * 7) % 251),
  "ct.calibration.json": text('{"version":2,"values":[1,2,3]}'),
  "ct.md": text("# ct\n\nA card.\n"),
};
const list = digestsOf(parts);

/** Every byte, one of its bits flipped. */
function* flips(bytes: Uint8Array): Generator<Uint8Array> {
  const stream = random(3);
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Uint8Array.from(bytes);
    flipped[at]! ^= 1 << Math.floor(stream.uniform() * 8);
    yield flipped;
  }
}

describe("a bundle", () => {
  it("is read when it is honest, its digests those of any sha256", async () => {
    const read = parseDigests(formatDigests(list), "ct.digests.json");
    expect(read).toEqual(list);
    for (const [file, bytes] of Object.entries(parts)) {
      expect(requireListed(read, file, bytes)).toBe(bytes);
      expect(read.files[file]).toBe(await digest(bytes));
    }
  });

  it.each(Object.keys(parts))(
    "is refused when a byte of %s is flipped, cut off or added, with both digests",
    (file) => {
      const bytes = parts[file]!;
      const longer = Uint8Array.of(...bytes, 0);
      for (const damaged of [...flips(bytes), bytes.subarray(1), bytes.subarray(0, -1), longer, new Uint8Array()]) {
        const error = thrown(() => requireListed(list, file, damaged));
        expect(error.code).toBe("format");
        expect(error.details.name).toContain(file);
        expect(error.message).toContain(list.files[file]!);
        expect(error.message.match(/sha256:[0-9a-f]{64}/g)).toHaveLength(2);
      }
    },
  );

  it("is refused when files change places, or the list does not name one", () => {
    expect(thrown(() => requireListed(list, "ct.md", parts["ct.safetensors"]!)).code).toBe("format");
    expect(thrown(() => requireListed(list, "other.md", parts["ct.md"]!)).message).toContain("does not name");
    expect(thrown(() => requireListed(list, "toString", parts["ct.md"]!)).message).toContain("does not name");
  });

  it("is refused when a byte of the list is flipped", () => {
    for (const damaged of flips(formatDigests(list))) {
      const read = () => {
        const found = parseDigests(damaged, "ct.digests.json");
        for (const [file, bytes] of Object.entries(parts)) requireListed(found, file, bytes);
      };
      expect(thrown(read).code).toBe("format");
    }
  });

  it("of another version is refused by its number, and what is no list by its name", () => {
    const later = text(JSON.stringify({ ...list, version: 2 }));
    expect(thrown(() => parseDigests(later, "ct.digests.json")).message).toContain("version 1, got version 2");
    const strange = [
      "",
      "[]",
      "{",
      '{"version":1}',
      '{"version":1,"files":{"../x":"sha256:00"}}',
      JSON.stringify({ version: 1, files: { "../ct.md": list.files["ct.md"] } }),
      `{"version":1,"files":{"__proto__":"${list.files["ct.md"]}"}}`,
    ];
    for (const words of strange) {
      const error = thrown(() => parseDigests(text(words), "ct.digests.json"));
      expect([error.code, error.details.name]).toEqual(["format", "parseDigests: ct.digests.json"]);
    }
    expect(thrown(() => digestsOf({ "a/b": text("x") })).code).toBe("parameter");
  });
});

describe("the models of the package", () => {
  const folder = fileURLToPath(new URL("../../models/", import.meta.url));
  const files = readdirSync(folder);
  const weights = files.filter((file) => file.endsWith(".safetensors"));

  it.each(weights)("%s is listed with its calibration and cards, as they are", (file) => {
    const name = file.replace(".safetensors", "");
    const own = files.filter((other) =>
      [".safetensors", ".calibration.json", ".card.json", ".md"].some((ending) => other === `${name}${ending}`),
    );
    const { files: listed } = parseDigests(readFileSync(join(folder, `${name}.digests.json`)), `${name}.digests.json`);
    const now = digestsOf(Object.fromEntries(own.map((other) => [other, readFileSync(join(folder, other))])));
    expect(listed).toEqual(now.files);
  });
});
