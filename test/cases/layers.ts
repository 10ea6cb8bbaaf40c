/** @file The table of layers: how each is built, and how loose its Lipschitz constant may be. */

import { clip, leakyRelu, relu, tanh } from "../../src/layers/activation.js";
import { affine } from "../../src/layers/affine.js";
import { complement } from "../../src/layers/complement.js";
import { compose } from "../../src/layers/compose.js";
import { firmlyNonexpansive } from "../../src/layers/firmly-nonexpansive.js";
import type { Layer } from "../../src/layers/layer.js";
import { maxMin } from "../../src/layers/max-min.js";
import { pointwise } from "../../src/layers/pointwise.js";
import { rescaled } from "../../src/layers/rescaled.js";
import { residualAverage } from "../../src/layers/residual-average.js";
import { ridgeGradient } from "../../src/layers/ridge-gradient.js";
import { conv2d } from "../../src/linear/conv2d.js";
import { matrix } from "../../src/linear/matrix.js";
import { spectrallyNormalized } from "../../src/linear/spectrally-normalized.js";
import type { Feeds } from "../../src/tensor/interpret.js";
import { input } from "../../src/tensor/primitives/leaf.js";
import type { Shape, Tensor } from "../../src/tensor/tensor.js";
import { type Array64, normal } from "../arrays.js";

export interface LayerCase {
  readonly factory: string;
  readonly title: string;
  readonly domain: Shape;
  readonly build: () => Layer;
  /** Values of the weights. */
  readonly feeds: Feeds;
  /** Largest constant over the largest stretch that is found, and why it is not 1. */
  readonly slack: number;
  readonly because: string;
}

const size = { height: 4, width: 3 };
const image = (channels: number): Shape => ["N", channels, size.height, size.width];
const conv = (K: Tensor) => conv2d(K, size);
const unitConv = (name: string, shape: readonly number[]) => spectrallyNormalized(input(name, shape), conv);
const bias = (name: string, channels: number) => input(name, [channels, 1, 1]);

const kernels: Readonly<Record<string, Array64>> = {
  K1: normal([4, 2, 3, 3], 501),
  K2: normal([2, 4, 3, 3], 502),
  b1: normal([4, 1, 1], 503, 0.4),
  b2: normal([2, 1, 1], 504, 0.4),
};
const network = () =>
  compose([
    affine(unitConv("K1", [4, 2, 3, 3]), bias("b1", 4)),
    maxMin(),
    affine(unitConv("K2", [2, 4, 3, 3]), bias("b2", 2)),
  ]);
const ridges = () => ridgeGradient(unitConv("K1", [4, 2, 3, 3]), tanh, bias("b1", 4));
const { K1, b1 } = kernels;
const ridgeFeeds: Feeds = { K1: K1!, b1: b1! };

/** Rotation by an angle. */
const turn = (angle: number): Array64 => ({
  shape: [2, 2],
  data: Float64Array.of(Math.cos(angle), -Math.sin(angle), Math.sin(angle), Math.cos(angle)),
});
const activation = "the slope is attained";
const grid = "the bound of the convolution divides it, and a small image stays below the plane";

export const layerCases: readonly LayerCase[] = [
  {
    factory: "affine",
    title: "matrix with a bias",
    domain: ["N", 4],
    build: () => affine(matrix(input("A", [5, 4])), input("b", [5])),
    feeds: { A: normal([5, 4], 511), b: normal([5], 512) },
    slack: 1.07,
    because: "the Schatten-64 norm is at most 4^(1/64) above ‖A‖",
  },
  {
    factory: "affine",
    title: "normalized convolution",
    domain: image(2),
    build: () => affine(unitConv("K1", [4, 2, 3, 3]), bias("b1", 4)),
    feeds: ridgeFeeds,
    slack: 1.4,
    because: grid,
  },
  ...[relu, leakyRelu(0.2), tanh, clip].map(
    (sigma): LayerCase => ({
      factory: "pointwise",
      title: sigma.name,
      domain: ["N", 3],
      build: () => pointwise(sigma),
      feeds: {},
      slack: 1.01,
      because: activation,
    }),
  ),
  {
    factory: "maxMin",
    title: "of image channels",
    domain: image(4),
    build: maxMin,
    feeds: {},
    slack: 1.001,
    because: "sorting keeps distances where it keeps the order",
  },
  {
    factory: "compose",
    title: "of rotations and maxMin",
    domain: ["N", 2],
    build: () => compose([affine(matrix(input("A", [2, 2]))), maxMin(), affine(matrix(input("B", [2, 2])))]),
    feeds: { A: turn(1), B: turn(-0.4) },
    slack: 1.03,
    because: "each of the two matrices has a Schatten norm 2^(1/64) above 1",
  },
  {
    factory: "compose",
    title: "of matrices and tanh",
    domain: ["N", 3],
    build: () => compose([affine(matrix(input("A", [5, 3]))), pointwise(tanh), affine(matrix(input("B", [3, 5])))]),
    feeds: { A: normal([5, 3], 521), B: normal([3, 5], 522) },
    slack: 2.5,
    because: "the directions that two matrices stretch most do not meet",
  },
  {
    factory: "compose",
    title: "of normalized convolutions and maxMin",
    domain: image(2),
    build: network,
    feeds: kernels,
    slack: 3,
    because: "the directions that two convolutions stretch most do not meet",
  },
  {
    factory: "rescaled",
    title: "ridges in units of a number",
    domain: image(2),
    build: () => rescaled(ridges(), input("s", [])),
    feeds: { ...ridgeFeeds, s: { shape: [], data: Float64Array.of(0.4) } },
    slack: 3,
    because: grid,
  },
  {
    factory: "residualAverage",
    title: "of a tenth and a rotation",
    domain: ["N", 2],
    build: () => residualAverage(0.1, affine(spectrallyNormalized(input("A", [2, 2]), matrix), input("b", [2]))),
    feeds: { A: turn(2), b: normal([2], 531) },
    slack: 1.2,
    because: "the identity and a turn do not stretch along with each other",
  },
  {
    factory: "residualAverage",
    title: "of a third and ridges",
    domain: image(2),
    build: () => residualAverage(0.3, ridges()),
    feeds: ridgeFeeds,
    slack: 2,
    because: grid,
  },
  {
    factory: "firmlyNonexpansive",
    title: "of a composition",
    domain: image(2),
    build: () => firmlyNonexpansive(network()),
    feeds: kernels,
    slack: 1.7,
    because: "the directions that two convolutions stretch most do not meet",
  },
  {
    factory: "firmlyNonexpansive",
    title: "of a rotation",
    domain: ["N", 2],
    build: () => firmlyNonexpansive(affine(spectrallyNormalized(input("A", [2, 2]), matrix))),
    feeds: { A: turn(2) },
    slack: 2,
    because: "half of the identity and a turn by 2 is cos 1 long",
  },
  {
    factory: "ridgeGradient",
    title: "of a matrix and leakyRelu",
    domain: ["N", 4],
    build: () => ridgeGradient(matrix(input("A", [3, 4])), leakyRelu(0.1), input("b", [3])),
    feeds: { A: normal([3, 4], 541), b: normal([3], 542) },
    slack: 1.1,
    because: "the square of the Schatten-64 norm",
  },
  {
    factory: "ridgeGradient",
    title: "of a normalized convolution and tanh",
    domain: image(2),
    build: ridges,
    feeds: ridgeFeeds,
    slack: 2,
    because: grid,
  },
  {
    factory: "complement",
    title: "of ridges",
    domain: image(2),
    build: () => complement(ridges()),
    feeds: ridgeFeeds,
    slack: 1.01,
    because: "where tanh is flat nothing is taken away",
  },
];
