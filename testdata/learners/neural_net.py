"""Writes neural_net.toml: a forward pass of a tiny net, computed with NumPy in double precision.

Parameters follow a formula, so that only inputs and results are in the file.
"""

import math
import pathlib

import numpy as np

NUMBERS, FLAGS, LEVELS, HIDDEN, MEMBERS, OUTPUTS = 2, 1, 4, 32, 2, 3
WAVES, MIXTURES, WIDTH = 16, 3, 8
INPUTS = NUMBERS * (1 + MIXTURES) + FLAGS + WIDTH


def tensor(part, *shape):
    n = math.prod(shape)
    return np.array([0.4 * math.sin(1.0 + part + 0.7 * i) for i in range(n)]).reshape(shape)


def mish(x):
    return x * np.tanh(np.log1p(np.exp(x)))


periodic = tensor(0, NUMBERS, WAVES * (2 + MIXTURES) + MIXTURES)
levels = tensor(1, LEVELS, WIDTH)
scales = tensor(2, MEMBERS, INPUTS)
weights, biases = tensor(3, INPUTS, HIDDEN), tensor(4, MEMBERS, HIDDEN)
head, head_bias = tensor(5, MEMBERS, HIDDEN, OUTPUTS), tensor(6, MEMBERS, OUTPUTS)

random = np.random.default_rng(7)
values = np.round(random.normal(size=(3, NUMBERS + FLAGS)), 3)
level = np.array([0, 3, 1])

rows = []
for member in range(MEMBERS):
    for value, row in zip(values, level):
        embedded = []
        for x, p in zip(value, periodic):
            wave = np.cos(2 * np.pi * (p[:WAVES] * x + p[WAVES : 2 * WAVES]))
            mixtures = p[2 * WAVES : 5 * WAVES].reshape(MIXTURES, WAVES) @ wave + p[5 * WAVES :]
            embedded += [x, *mixtures]
        embedded = np.array([*embedded, *value[NUMBERS:], *levels[row]])
        hidden = mish((embedded * scales[member]) @ weights + biases[member])
        rows.append(hidden @ head[member] + head_bias[member])

text = f"""# Written by neural_net.py with NumPy {np.__version__}.
values = {values.ravel().tolist()}
levels = {level.tolist()}
outputs = {[round(float(v), 9) for v in np.ravel(rows)]}
"""
pathlib.Path(__file__).with_suffix(".toml").write_text(text)
