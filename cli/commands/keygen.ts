/** @file vouch keygen: a key to sign receipts with. */

import { keyId } from "../../src/receipts/index.js";
import { command } from "../command.js";
import { makeKey } from "../keys.js";
import { text } from "../options.js";

export const keygen = command({
  summary: "Make an ed25519 key: the secret one for its owner alone, the public one (.pub) for those who verify.",
  options: { out: text("Where to write the secret key.", "FILE", "vouch.key") },
  async run({ options: { out: path }, out }) {
    const id = keyId(await makeKey(path));
    out.line(`Secret key: ${path} (mode 600). Public key: ${path}.pub`);
    out.line(`Key id: ${id}`);
    return { figures: {}, report: { keyid: id } };
  },
});
