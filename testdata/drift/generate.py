"""Golden values of drift measures, from scipy and numpy: writes cases.json beside this file.

Samples are recipes (`i * mul % mod / div + add` for i in 0..n), so that the file stays small. The
formulas around scipy are those of Evidently's default data-drift preset.
"""

import json
import pathlib

import numpy as np
from scipy import stats
from scipy.spatial import distance


def sample(recipe):
    i = np.arange(recipe["n"], dtype=np.int64)
    return (i * recipe["mul"] % recipe["mod"]) / recipe["div"] + recipe["add"]


def pairs(reference, current):
    """The rows of both by value, or in bins of numpy's Sturges rule."""
    if len(np.unique(reference)) > 20:
        edges = np.histogram_bin_edges(np.concatenate([reference, current]), bins="sturges")
        return np.histogram(reference, edges)[0], np.histogram(current, edges)[0]
    keys = np.unique(np.concatenate([reference, current]))
    count = lambda values: np.array([(values == key).sum() for key in keys])
    return count(reference), count(current)


def psi(a, b):
    def filled(counts):
        shares = counts / counts.sum()
        least = shares[shares > 0].min()
        return np.where(shares == 0, least / 1e6 if least <= 1e-4 else 1e-4, shares)

    a, b = filled(a), filled(b)
    return float(((a - b) * np.log(a / b)).sum())


def z(a, b):
    """Two proportions of the first of two values."""
    n_a, n_b = a.sum(), b.sum()
    pooled = (a[0] + b[0]) / (n_a + n_b)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    return float(2 * (1 - stats.norm.cdf(abs((a[0] / n_a - b[0] / n_b) / spread))))


def homogeneity(a, b):
    """Pearson's test of both rows, values with fewer than 5 expected rows pooled."""
    keep = (a + b) * min(a.sum(), b.sum()) / (a.sum() + b.sum()) >= 5
    table = [list(a[keep]), list(b[keep])]
    if not keep.all():
        table[0].append(a[~keep].sum())
        table[1].append(b[~keep].sum())
    return float(stats.chi2_contingency(table, correction=False)[1])


def case(name, reference, current):
    a, b = sample(reference), sample(current)
    ks = stats.ks_2samp(a, b)
    of_a, of_b = pairs(a, b)
    n_distinct = len(np.unique(np.concatenate([a, b])))
    wasserstein = stats.wasserstein_distance(a, b) / max(np.std(a), 0.001)
    jensen_shannon = distance.jensenshannon(of_a / len(a), of_b / len(b))
    fit = stats.chisquare(of_b, of_a * len(b) / len(a), sum_check=False)[1] if len(of_a) > 1 else 1
    if len(a) <= 1000:
        choice, score = "ks", ks.pvalue
        if n_distinct <= 5:
            choice, score = ("chisquare", fit) if n_distinct > 2 else ("z", z(of_a, of_b))
    else:
        choice, score = "wasserstein", wasserstein
        if n_distinct <= 5:
            choice, score = "jensenshannon", jensen_shannon
    return {
        "name": name, "reference": reference, "current": current, "n_distinct": n_distinct,
        "ks_distance": float(ks.statistic), "ks_p": float(ks.pvalue),
        "wasserstein": float(wasserstein), "jensen_shannon": float(jensen_shannon),
        "psi": psi(of_a, of_b), "homogeneity_p": homogeneity(of_a, of_b),
        "choice": choice, "score": float(score),
    }


def recipe(n, mul, mod, div=1.0, add=0.0):
    return {"n": n, "mul": mul, "mod": mod, "div": div, "add": add}


CASES = [
    case("the same, small", recipe(200, 7919, 10007, 100), recipe(180, 104729, 10007, 100)),
    case("equal sizes", recipe(300, 7919, 10007, 100), recipe(300, 104729, 10007, 110)),
    case("a shift, small", recipe(500, 7919, 10007, 100), recipe(400, 104729, 10007, 100, 9)),
    case("a shift, tiny", recipe(12, 7919, 10007, 100), recipe(9, 104729, 10007, 100, 30)),
    case("large against small", recipe(900, 7919, 10007, 100), recipe(9000, 104729, 10007, 101)),
    case("beyond exact", recipe(1000, 7919, 10007, 100), recipe(12000, 104729, 10007, 103)),
    case("beyond exact, far", recipe(800, 7919, 10007, 100), recipe(20000, 104729, 10007, 120)),
    case("beyond exact, few", recipe(90, 7919, 10007, 100), recipe(20000, 104729, 10007, 110)),
    case("measured, the same", recipe(5000, 7919, 10007, 100), recipe(4000, 104729, 10007, 100)),
    case("measured, wider", recipe(5000, 7919, 10007, 100), recipe(40000, 104729, 10007, 70)),
    case("measured, ties", recipe(3000, 7919, 17), recipe(2500, 104729, 13)),
    case("few values", recipe(3000, 7919, 5), recipe(2500, 104729, 4)),
    case("few values, small", recipe(301, 7919, 5), recipe(253, 104729, 7, 2)),
    case("three values", recipe(400, 7919, 3), recipe(350, 15, 8, 4)),
    case("two values", recipe(500, 7919, 2), recipe(333, 5, 3, 2)),
]

path = pathlib.Path(__file__).with_name("cases.json")
path.write_text(json.dumps(CASES, indent=1) + "\n")
