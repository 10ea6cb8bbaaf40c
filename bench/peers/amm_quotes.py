"""Quotes of market makers from the protocols' own formulae, in Python's whole numbers: independent of the TypeScript.

Reads one case a line, [kind, ...], writes one amount out a line. Powers of ticks are recomputed in high-precision decimals
where the contract has a table.
"""

import json
import sys
from decimal import Decimal, getcontext

getcontext().prec = 120
ONE = 10**18


def ceil(a, b):
    return -(-a // b)


def toward_zero(a, b):
    return a // b if (a >= 0) == (b > 0) else -((-a) // b)


# ---- Uniswap v2: UniswapV2Library.getAmountOut
def uniswap_v2(x, r_in, r_out):
    fee = x * 997
    return fee * r_out // (r_in * 1000 + fee)


# ---- constant sum: floor(x (1 - fee) w_in / w_out)
def constant_sum(x, w_in, w_out, fee_num, fee_den):
    return x * (fee_den - fee_num) * w_in // (w_out * fee_den)


# ---- Curve: get_D, get_y, exchange
def curve(i, j, x, balances, scale, amp, precision, fee):
    n = len(balances)
    xp = [b * s for b, s in zip(balances, scale)]
    ann = amp * precision * n
    total, d = sum(xp), sum(xp)
    while True:
        p = d
        for value in xp:
            p = p * d // (value * n)
        before = d
        d = (ann * total // precision + p * n) * d // ((ann - precision) * d // precision + (n + 1) * p)
        if abs(d - before) <= 1:
            break
    others = [xp[k] + (x * scale[k] if k == i else 0) for k in range(n) if k != j]
    c = d
    for value in others:
        c = c * d // (value * n)
    c = c * d * precision // (ann * n)
    b = sum(others) + d * precision // ann
    y = d
    while True:
        before = y
        y = (y * y + c) // (2 * y + b - d)
        if abs(y - before) <= 1:
            break
    gross = xp[j] - y - 1
    if gross <= 0:
        return 0
    return (gross - gross * fee // 10**10) // scale[j]


# ---- Balancer: LogExpMath and WeightedMath; its table of e^x, which rounds some entries and truncates others
A = dict(
    enumerate(
        [
            38877084059945950922200000000000000000000000000000000000,
            6235149080811616882910000000,
            7896296018268069516100000000000000,
            888611052050787263676000000,
            298095798704172827474000,
            5459815003314423907810,
            738905609893065022723,
            271828182845904523536,
            164872127070012814685,
            128402541668774148407,
            113314845306682631683,
            106449445891785942956,
        ]
    )
)
X = {0: 128 * ONE, 1: 64 * ONE, **{k: 3200 * ONE >> (k - 2) for k in range(2, 12)}}


def log18(a):
    if a < ONE:
        return -log18(ONE * ONE // a)
    total = 0
    for k in (0, 1):
        if a >= A[k] * ONE:
            a //= A[k]
            total += X[k]
    total, a = total * 100, a * 100
    for k in range(2, 12):
        if a >= A[k]:
            a = a * 10**20 // A[k]
            total += X[k]
    z = (a - 10**20) * 10**20 // (a + 10**20)
    square, num, series = z * z // 10**20, z, z
    for odd in (3, 5, 7, 9, 11):
        num = num * square // 10**20
        series += num // odd
    return (total + 2 * series) // 100


def log36(a):
    a *= ONE
    one = 10**36
    z = toward_zero((a - one) * one, a + one)
    square = toward_zero(z * z, one)
    num = series = z
    for odd in (3, 5, 7, 9, 11, 13, 15):
        num = toward_zero(num * square, one)
        series += toward_zero(num, odd)
    return series * 2


def exp18(a):
    if a < 0:
        return ONE * ONE // exp18(-a)
    first = 1
    for k in (0, 1):
        if a >= X[k]:
            a, first = a - X[k], A[k]
            break
    a *= 100
    product = 10**20
    for k in range(2, 10):
        if a >= X[k]:
            a -= X[k]
            product = product * A[k] // 10**20
    series = term = 10**20
    for k in range(1, 13):
        term = term * a // 10**20 // k
        series += term
    return product * series // 10**20 * first // 100


def power_up(x, y):
    def up(a, b):
        return ceil(a * b, ONE)

    if y == ONE:
        return x
    if y == 2 * ONE:
        return up(x, x)
    if y == 4 * ONE:
        return up(up(x, x), up(x, x))
    if ONE - ONE // 10 < x < ONE + ONE // 10:
        lnx = log36(x)
        whole = toward_zero(lnx, ONE)
        exponent = whole * y + toward_zero((lnx - whole * ONE) * y, ONE)
    else:
        exponent = log18(x) * y
    raw = exp18(toward_zero(exponent, ONE))
    return raw + up(raw, 10000) + 1


def balancer(x, r_in, r_out, s_in, s_out, w_in, w_out, fee):
    entered = (x - ceil(x * fee, ONE)) * s_in
    base = ceil(r_in * s_in * ONE, r_in * s_in + entered)
    left = power_up(base, w_in * ONE // w_out)
    return 0 if left >= ONE else r_out * s_out * (ONE - left) // ONE // s_out


# ---- Uniswap v3: swap within and across ticks; the table of sqrt(1.0001)^-(2^k) recomputed in decimals
POWERS = [
    0xFFFCB933BD6FAD37AA2D162D1A594001, *[None] * 19
]


def tick_ratio(tick):
    ratio = 1 << 128
    for k in range(20):
        if abs(tick) >> k & 1:
            ratio = ratio * TICK[k] >> 128
    if tick > 0:
        ratio = ((1 << 256) - 1) // ratio
    return ceil(ratio, 1 << 32)


def make_ticks():
    root = Decimal("1.0001").sqrt()
    table = []
    for k in range(20):
        value = Decimal(2) ** 128 / root ** (2**k)
        table.append(int(value.to_integral_value(rounding="ROUND_HALF_UP")))
    return table


TICK = make_ticks()


def tick_of(ratio):
    low, high = -887272, 887272
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if tick_ratio(middle) <= ratio else (low, middle)
    return low


def uniswap_v3(i, x, price, liquidity, spacing, fee, ticks):
    q96, nets = 1 << 96, {index: int(net) for index, net in ticks}
    tick, rest, out, down = tick_of(price), x, 0, i == 0
    edge = ticks[0][0] if down else ticks[-1][0]
    while rest > 0:
        if liquidity == 0 and (tick < edge if down else tick >= edge):
            return 0
        slot = tick // spacing + (0 if down else 1)
        word = slot // 256 * 256
        stop = word if down else word + 255
        while slot != stop and slot * spacing not in nets:
            slot += -1 if down else 1
        goal = max(-887272, min(887272, slot * spacing))
        target = tick_ratio(goal)
        usable = rest * (10**6 - fee) // 10**6

        def enters(to):
            if down:
                return ceil(ceil(liquidity * q96 * (price - to), price), to)
            return ceil(liquidity * (to - price), q96)

        if usable >= enters(target):
            after = target
        elif down:
            after = ceil(liquidity * q96 * price, liquidity * q96 + usable * price)
        else:
            after = price + usable * q96 // liquidity
        paid = enters(after)
        if down:
            out += liquidity * (price - after) // q96
        else:
            out += liquidity * q96 * (after - price) // after // price
        rest -= paid + (ceil(paid * fee, 10**6 - fee) if after == target else rest - paid)
        price = after
        if price == target:
            liquidity += (-1 if down else 1) * nets.get(goal, 0)
            tick = goal - 1 if down else goal
        else:
            tick = tick_of(price)
        if rest > 0 and goal in (-887272, 887272):
            return 0
    return out


KINDS = {
    "uniswap-v2": uniswap_v2,
    "constant-sum": constant_sum,
    "stable-swap": curve,
    "balancer": balancer,
    "uniswap-v3": uniswap_v3,
}


def number(value):
    return int(value) if isinstance(value, str) else [number(v) for v in value] if isinstance(value, list) else value


for line in sys.stdin:
    kind, *arguments = json.loads(line)
    print(KINDS[kind](*map(number, arguments)))
