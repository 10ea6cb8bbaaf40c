"""A second verifier of receipts, written from docs/receipt.schema.json and the mathematics alone.

    python3 bench/peers/verify_receipt.py BUNDLE KEY.pub      one JSON line a bundle; exit 0 VERIFIED, 1 REFUTED, 2 UNVERIFIABLE
    python3 bench/peers/verify_receipt.py --all FOLDER KEY.pub

numpy for arrays, ed25519 by RFC 8032 in plain Python. Sums are taken in another order than the first verifier's and their
rounding is not enclosed, so real figures must agree to TOLERANCE, relative but for figures below 1, instead of to the last
bit; counts and labels exactly.
"""

import base64
import hashlib
import io
import json
import math
import pathlib
import re
import struct
import sys

import numpy as np

TOLERANCE = 1e-9
PAYLOAD_TYPE = "application/vnd.in-toto+json"

# --- ed25519, RFC 8032, section 5.1 ---------------------------------------------------------------------------------------

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT % P
    if (x * x - x2) % P:
        return None
    return P - x if (x & 1) != sign else x


def add(a, b):
    A, B = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    C, E = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = B - A, E - C, E + C, B + A
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(s, point):
    result = (0, 1, 1, 0)
    while s > 0:
        if s & 1:
            result = add(result, point)
        point = add(point, point)
        s >>= 1
    return result


def same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


GY = 4 * pow(5, P - 2, P) % P
GX = recover_x(GY, 0)
G = (GX, GY, 1, GX * GY % P)


def signed_by(key, message, signature):
    if len(key) != 32 or len(signature) != 64:
        return False
    A, R = decompress(key), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if A is None or R is None or s >= Q or same(multiply(8, A), (0, 1, 1, 0)):
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % Q
    return same(multiply(s, G), add(R, multiply(h, A)))


# --- blocks: value, conjugate, excess --------------------------------------------------------------------------------------


class Unverifiable(Exception):
    pass


def inner(a, b):
    return float(np.sum(a * b))


def norm(v):
    return math.sqrt(inner(v, v))


class Content:
    def __init__(self, files):
        self.files = files

    def array(self, digest):
        return np.load(io.BytesIO(self.files[digest]), allow_pickle=False)

    def tensor(self, stated):
        value = self.array(stated["sha256"]).astype(np.float64)
        return value * float(stated["times"]) if "times" in stated else value


def operator(block, x_shape, content):
    """Pair (apply, adjoint) on arrays with a leading sample axis."""
    if block is None or block["kind"] == "identity":
        return (lambda x: x), (lambda y: y)
    kind, numbers, arrays = block["kind"], block["numbers"], block["arrays"]
    if kind == "matrix":
        A = content.tensor(arrays["A"])
        return (lambda x: x @ A.T), (lambda y: y @ A)
    if kind == "sparse":
        rows, columns = int(numbers["rows"]), int(numbers["columns"])
        pointer = content.array(arrays["indptr"]["sha256"])
        index = content.array(arrays["indices"]["sha256"])
        value = content.array(arrays["values"]["sha256"]).astype(np.float64)
        row = np.repeat(np.arange(rows), np.diff(pointer))
        apply = lambda x: np.bincount(row, value * x.reshape(-1)[index], minlength=rows)[None]
        adjoint = lambda y: np.bincount(index, value * y.reshape(-1)[row], minlength=columns).reshape(1, *x_shape)
        return apply, adjoint
    if kind == "differences":

        def apply(x):
            down, right = np.zeros_like(x), np.zeros_like(x)
            down[:, :, :-1] = x[:, :, 1:] - x[:, :, :-1]
            right[:, :, :, :-1] = x[:, :, :, 1:] - x[:, :, :, :-1]
            return np.concatenate([down, right], 1)

        def adjoint(y):
            down, right = y[:, :1], y[:, 1:]
            x = np.zeros_like(down)
            x[:, :, 1:] += down[:, :, :-1]
            x[:, :, :-1] -= down[:, :, :-1]
            x[:, :, :, 1:] += right[:, :, :, :-1]
            x[:, :, :, :-1] -= right[:, :, :, :-1]
            return x

        return apply, adjoint
    if kind == "conv2d":
        K = content.tensor(arrays["K"])
        k, (height, width) = K.shape[2], x_shape[1:]
        half = (k - 1) // 2

        def apply(x):
            padded = np.pad(x[0], ((0, 0), (half, half), (half, half)))
            out = np.zeros((K.shape[0], height, width))
            for i in range(k):
                for j in range(k):
                    out += np.einsum("oc,chw->ohw", K[:, :, i, j], padded[:, i : i + height, j : j + width])
            return out[None]

        def adjoint(y):
            padded = np.zeros((K.shape[1], height + 2 * half, width + 2 * half))
            for i in range(k):
                for j in range(k):
                    padded[:, i : i + height, j : j + width] += np.einsum("oc,ohw->chw", K[:, :, i, j], y[0])
            return padded[None, :, half : half + height, half : half + width]

        return apply, adjoint
    raise Unverifiable(f"operator {kind}")


def function(block, content):
    """Record of a function: value, conjugate, admit (into the domain of the conjugate), excess and distance of a set."""
    kind, numbers = block["kind"], block["numbers"]
    t = {name: content.tensor(stated) for name, stated in block["arrays"].items()}
    if kind == "box":
        low, high = float(numbers["low"]), float(numbers["high"])
        distance = lambda v: norm(v - np.clip(v, low, high))
        support = lambda y: float(np.sum(np.maximum(low * y, high * y)))
        return dict(set=True, bounded=True, excess=distance, distance=distance, conjugate=support)
    if kind in ("ball", "point"):
        centre, radius = t["centre"], float(t["radius"].reshape(-1)[0]) if kind == "ball" else 0.0
        excess = lambda v: norm(v - centre) - radius
        distance = lambda v: max(excess(v), 0.0)
        support = lambda y: inner(centre, y) + radius * norm(y)
        return dict(set=True, excess=excess, distance=distance, conjugate=support)
    if kind == "weightedL1":
        tau = t["tau"]
        return dict(
            value=lambda v: float(np.sum(tau * np.abs(v))),
            admit=lambda y: np.maximum(np.minimum(y, tau), -tau),
            conjugate=lambda y: 0.0 if np.all(np.abs(y) <= tau) else math.inf,
        )
    if kind == "groupL21":
        axis, tau = int(numbers["axis"]), float(t["tau"])
        length = lambda v: np.sqrt(np.sum(v * v, axis=axis, keepdims=True))
        return dict(
            value=lambda v: tau * float(np.sum(length(v))),
            admit=lambda y: y / np.maximum(1, length(y) / (tau * (1 - 2.0**-20))),
            conjugate=lambda y: 0.0 if np.all(length(y) <= tau) else math.inf,
        )
    if kind == "quadratic":
        centre, w = t["centre"], float(t["weight"].reshape(-1)[0])
        return dict(
            value=lambda v: w / 2 * inner(v - centre, v - centre),
            conjugate=lambda y: inner(centre, y) + inner(y, y) / (2 * w),
        )
    if kind == "zero":
        return dict(value=lambda v: 0.0, admit=lambda y: 0 * y, conjugate=lambda y: 0.0)
    raise Unverifiable(f"function {kind}")


def property_value(term, f, v, content):
    stated = term.get("property")
    if stated is None and not f.get("set"):
        return f["value"](v)
    measured, tolerance = f, float(np.float32(1e-4))
    if stated is not None:
        tolerance = float(stated["numbers"]["tolerance"])
        measured = function({**stated, "numbers": {k: n for k, n in stated["numbers"].items() if k != "tolerance"}}, content)
    length = measured["distance"](v)
    return 0.0 if length <= tolerance * (norm(v) + length) else length


# --- figures ----------------------------------------------------------------------------------------------------------------


def label_of(p, levels):
    return "fail" if p <= levels[0] else "warning" if p <= levels[1] else "pass"


def joint(columns, row, names, levels):
    """Rank of the least rank in the pool of calibration and test."""
    N, m = len(columns[0]), len(columns)
    enough = 0
    while m / (enough + 1) > levels[0]:
        enough += 1
    if N < enough:
        return {"verdict": "REFUSED", "enough": enough}
    pool = np.array([[*column, value] for column, value in zip(columns, row)])
    ranks = np.array([[int(np.sum(s >= v)) for v in s] for s in pool])
    least = ranks.min(axis=0)
    k = int(np.sum(least <= least[-1]))
    label = label_of(k / (N + 1), levels)
    culprits = []
    if label != "pass":
        level = levels[0] if label == "fail" else levels[1]
        order = sorted(range(m), key=lambda j: ranks[j, -1])
        for i, j in enumerate(order):
            if ranks[j, -1] / (N + 1) > level / (m - i):
                break
            culprits.append(names[j])
        culprits = culprits or [names[order[0]]]
    return {"verdict": "TESTED", "k": k, "of": N + 1, "label": label, "culprits": culprits}


def figures(statement, content):
    predicate = statement["predicate"]
    problem, shape = predicate["problem"], predicate["problem"]["x"]
    if "prior" in problem or "slack" in problem:
        raise Unverifiable("a prior or slack")
    x = content.array(statement["subject"][0]["digest"]["sha256"]).astype(np.float64)
    if list(x.shape) != [1, *shape]:
        raise Unverifiable("shape of x")
    y = {name: content.array(digest).astype(np.float64) for name, digest in predicate["witness"].items()}
    terms = [(term, function(term["function"], content), *operator(term.get("operator"), shape, content)) for term in problem["terms"]]

    primal, dual, pull, box, constraints = 0.0, 0.0, np.zeros_like(x), None, {}
    for term, f, apply, adjoint in terms:
        name = term["name"]
        if f.get("set"):
            constraints[name] = f["excess"](apply(x))
        else:
            primal += f["value"](apply(x))
        if "operator" not in term:
            if not f.get("bounded") or box is not None:
                raise Unverifiable("a term of x itself that is not one box")
            box = f
            continue
        nu = f["admit"](y[name]) if "admit" in f else y[name]
        dual -= f["conjugate"](nu)
        pull = pull + adjoint(nu)
    if box is None:
        raise Unverifiable("no box")
    dual -= box["conjugate"](-pull)

    levels = (float(predicate["levels"]["fail"]), float(predicate["levels"]["warning"]))
    calibration = json.loads(content.files[predicate["calibration"]["sha256"]])
    if commitment(calibration) != predicate["calibration"]["commitment"]:
        raise Unverifiable("commitment")
    labels, names, columns, row = {}, [], [], []
    for term, f, apply, _ in terms:
        name, value = term["name"], property_value(term, f, apply(x), content)
        values = calibration["values"][name]
        # Counted against the stated value where it agrees: a tie with itself must stay one.
        stated = float(predicate["figures"]["labels"][name]["value"])
        counted = stated if agrees(stated, value) else value
        k = 1 + sum(v >= counted for v in values)
        labels[name] = {"value": value, "k": k, "of": len(values) + 1, "label": label_of(k / (len(values) + 1), levels)}
        names, columns, row = [*names, name], [*columns, values], [*row, counted]
    optimality = {"primal": primal, "dual": dual, "gap": primal - dual, "constraints": constraints}
    return {"optimality": optimality, "labels": labels, "joint": joint(columns, row, names, levels)}


def commitment(calibration):
    """RFC 6962 root of a heading and one leaf a sample."""
    properties = sorted(calibration["values"])
    grouped = "groups" in calibration
    heading = {"grouped": grouped, "properties": properties, "reference": calibration["reference"]}
    leaves = [json.dumps(heading, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()]
    for i, sample in enumerate(calibration["samples"]):
        numbers = b"".join(struct.pack("<d", calibration["values"][p][i]) for p in properties)
        group = calibration["groups"][i].encode() if grouped else b""
        leaves.append(bytes.fromhex(sample.split(":")[1]) + numbers + group)

    def root(part):
        if len(part) == 1:
            return hashlib.sha256(b"\0" + part[0]).digest()
        k = 1
        while 2 * k < len(part):
            k *= 2
        return hashlib.sha256(b"\1" + root(part[:k]) + root(part[k:])).digest()

    return root(leaves).hex()


def agrees(stated, computed, scale=1.0):
    if math.isnan(stated) or math.isnan(computed):
        return math.isnan(stated) and math.isnan(computed)
    return abs(stated - computed) <= TOLERANCE * max(abs(stated), abs(computed), scale)


def differences(stated, computed):
    """Paths of figures that do not agree."""
    wrong = []
    o, c = stated["optimality"], computed["optimality"]
    feasible = all(e <= 0 for e in c["constraints"].values())
    if o["verdict"] == "VERIFIED":
        scale = max(abs(c["primal"]), 1.0)
        wrong += [f"optimality.{key}" for key in ("primal", "dual", "gap") if not agrees(float(o[key]), c[key], scale)]
        # Of the stated figures, which agree with the computed ones: near a primal value of 0 the share magnifies rounding.
        gap, value = max(float(o["gap"]), 0), abs(float(o["primal"]))
        relative = gap / value if value else math.inf
        if gap and not (relative == float(o["relativeGap"]) or agrees(float(o["relativeGap"]), relative, relative)):
            wrong.append("optimality.relativeGap")
        if o["constraints"].keys() != c["constraints"].keys():
            wrong.append("optimality.constraints")
        for name, excess in c["constraints"].items():
            if not agrees(float(o["constraints"].get(name, "nan")), excess):
                wrong.append(f"optimality.constraints.{name}")
            if excess > TOLERANCE:
                wrong.append(f"optimality.constraints.{name}: infeasible")
    elif o["reason"] != "infeasible":
        raise Unverifiable(f"optimality {o['reason']}")
    elif feasible and min(-e for e in c["constraints"].values()) > TOLERANCE:
        wrong.append("optimality.verdict")
    if stated["labels"].keys() != computed["labels"].keys():
        wrong.append("labels")
    for name, mine in computed["labels"].items():
        theirs = stated["labels"].get(name, {"value": "nan"})
        if not agrees(float(theirs["value"]), mine["value"]):
            wrong.append(f"labels.{name}.value")
        wrong += [f"labels.{name}.{key}" for key in ("k", "of", "label") if theirs.get(key) != mine[key]]
    return wrong + ([] if stated["joint"] == computed["joint"] else ["joint"])


SCHEMA = json.loads((pathlib.Path(__file__).parents[2] / "docs" / "receipt.schema.json").read_text())


def fits(value, schema):
    """Is a value one that the schema allows? Constants, choices, required fields and alternatives; the rest is computed anyway."""
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:
        target = SCHEMA
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return fits(value, target)
    if "const" in schema and value != schema["const"] or "enum" in schema and value not in schema["enum"]:
        return False
    for key in ("anyOf", "oneOf"):
        if key in schema and not any(fits(value, one) for one in schema[key]):
            return False
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        pairs = [(item, first[i] if i < len(first) else schema.get("items", {})) for i, item in enumerate(value)]
        return all(fits(item, one) for item, one in pairs)
    if not isinstance(value, dict):
        return "required" not in schema
    if any(name not in value for name in schema.get("required", ())):
        return False
    fields, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    return all(fits(v, fields.get(k, others)) for k, v in value.items())


def verify(folder, key):
    envelope_bytes = (folder / "envelope.json").read_bytes()
    try:
        envelope = json.loads(envelope_bytes)
        payload = base64.b64decode(envelope["payload"], validate=True)
        signature = base64.b64decode(envelope["signatures"][0]["sig"], validate=True)
        keyid = envelope["signatures"][0]["keyid"]
    except (ValueError, KeyError, TypeError, IndexError):
        return "REFUTED", ["envelope"]
    if keyid != hashlib.sha256(key).hexdigest():
        return "UNVERIFIABLE", ["signer"]
    message = f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode() + payload
    if envelope["payloadType"] != PAYLOAD_TYPE or not signed_by(key, message, signature):
        return "REFUTED", ["signature"]
    statement = json.loads(payload)
    if not fits(statement, SCHEMA):
        return "UNVERIFIABLE", ["not a statement of the schema"]
    files = {file.name: file.read_bytes() for file in (folder / "content").iterdir()}
    changed = [name for name, data in files.items() if hashlib.sha256(data).hexdigest() != name]
    if changed:
        return "REFUTED", [f"content {name}" for name in changed]
    try:
        wrong = differences(statement["predicate"]["figures"], figures(statement, Content(files)))
    except (Unverifiable, KeyError, ValueError) as error:
        return "UNVERIFIABLE", [repr(error)]
    return ("REFUTED", wrong) if wrong else ("VERIFIED", [])


def main():
    words = sys.argv[1:]
    several = words[0] == "--all"
    folder, key_file = [pathlib.Path(word) for word in words[-2:]]
    pem = re.sub(r"-----.*?-----|\s", "", key_file.read_text())
    key = base64.b64decode(pem)[-32:]
    for bundle in sorted(folder.iterdir()) if several else [folder]:
        verdict, reasons = verify(bundle, key)
        print(json.dumps({"bundle": bundle.name, "verdict": verdict, "reasons": reasons}))
    if not several:
        sys.exit({"VERIFIED": 0, "REFUTED": 1, "UNVERIFIABLE": 2}[verdict])


main()
