"""The polynomials of GELU and Softplus: of the Chebyshev expansion of a function on an
interval, the terms up to a degree, as coefficients of powers from the highest down.

    pip install mpmath && python polynomials.py
"""
from mpmath import cos, erfc, exp, mp, mpf, atanh, pi, sqrt

mp.dps = 60
nodes = 48


def polynomial(f, low, high, degree):
    middle, half = (high + low) / 2, (high - low) / 2
    x = [cos(pi * (2 * j + 1) / (2 * nodes)) for j in range(nodes)]
    y = [f(middle + half * v) for v in x]
    c = [mpf(2) / nodes * sum(y[j] * cos(pi * i * (2 * j + 1) / (2 * nodes)) for j in range(nodes)) for i in range(nodes)]
    c[0] /= 2
    # Chebyshev's recurrence, Tₙ₊₁ = 2·s·Tₙ - Tₙ₋₁ with s = (z - middle)/half.
    before, now = [mpf(1)], [-middle / half, 1 / half]
    power = [c[0]]
    for i in range(1, degree + 1):
        power = [a + c[i] * b for a, b in zip(power + [mpf(0)] * (len(now) - len(power)), now)]
        times = [2 * (-middle / half) * v for v in now] + [mpf(0)]
        for j, v in enumerate(now):
            times[j + 1] += 2 * v / half
        before, now = now, [a - b for a, b in zip(times, before + [mpf(0)] * (len(times) - len(before)))]
    return power[::-1], sum(abs(v) for v in c[degree + 1:])


def tail(w):
    """(t + 4)·Φ(-t)·e^(t²/2), where w = 1 - 8/(t + 4)."""
    t = 4 * (1 + w) / (1 - w)
    return (t + 4) * erfc(t / sqrt(2)) * exp(t * t / 2) / 2


def arc(z):
    """(atanh s - s)/s³, where z = s²."""
    if z < mpf(10) ** -12:
        return mpf(1) / 3 + z / 5 + z * z / 7 + z ** 3 / 9
    s = sqrt(z)
    return (atanh(s) - s) / s ** 3


for name, f, low, high, degree, digits in [
    ("Φ, float32", tail, mpf(-1), mpf(14 - 4) / (14 + 4), 10, 12),
    ("Φ, float64", tail, mpf(-1), mpf(38 - 4) / (38 + 4), 23, 20),
    ("log1p, float32", arc, mpf(0), mpf(1) / 9, 4, 12),
    ("log1p, float64", arc, mpf(0), mpf(1) / 9, 10, 20),
]:
    c, rest = polynomial(f, low, high, degree)
    print(name, "beyond the degree:", mp.nstr(rest, 3))
    print(", ".join(mp.nstr(v, digits) for v in c))
