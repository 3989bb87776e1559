"""Makes the sample models of one format version: `make.py BINARY v1`."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
PLANS = ["basic", "plus", "pro"]


def rows(start, n):
    """Numbers, categories, a date, words and missing values, the same on every machine."""
    for i in range(start, start + n):
        noise = (i * 7919 + 13) % 101
        age = 18 + (i * 37) % 60
        plan = PLANS[(i * 5 + noise) % 3]
        joined = f"2023-{1 + i % 12:02}-{1 + i * 3 % 28:02}"
        spent = "" if noise % 9 == 0 else 1000 + noise * 31
        # Age works one way for one plan and the other way for the rest, so that trees are needed.
        score = (2 * age if plan == "basic" else 150 - 2 * age) + noise / 4
        yield [age, plan, joined, spent], score


#: One small model of everything that is stored in a way of its own: the learner, its parameters,
#: and flags of the run.
MODELS = {
    "binary": ["gbdt", "n_rounds=40"],
    "multiclass": ["gbdt", "n_rounds=30"],
    "regression": ["gbdt", "n_rounds=40", "grow_policy=oblivious", "max_depth=4"],
    "binary-forest": ["random_forest", "n_trees=6", "min_samples_leaf=5"],
    "multiclass-joint": ["gbdt", "n_rounds=20", "tree_outputs=all"],
    "regression-linear-leaves": ["gbdt", "n_rounds=10", "linear_tree=true"],
    "binary-calibrated": ["gbdt", "n_rounds=20", "class_weight=balanced", "--intervals=0.9",
                          "--cost=fp=1,fn=3"],
    "multiclass-sets": ["gbdt", "n_rounds=10", "--intervals=0.8,0.95", "--group-coverage=y"],
    "multiclass-costs": ["gbdt", "n_rounds=10", "--cost=high:low=5,low:high=3"],
    "regression-intervals": ["gbdt", "n_rounds=10", "--intervals=0.8,0.9"],
    "regression-groups": ["linear", "--intervals=0.9", "--group-coverage=plan"],
}

#: What a format version added, and that only its models can show.
ADDED = {
    "v3": ["binary-calibrated", "multiclass-sets", "multiclass-costs", "regression-intervals",
           "regression-groups"],
}

TARGETS = {
    "binary": lambda score: "yes" if score > 75 else "no",
    # Rare and by chance, so that there is something to calibrate.
    "binary-calibrated": lambda score: "yes" if score + score * 7919 % 97 > 170 else "no",
    "multiclass": lambda score: "low" if score < 55 else "middle" if score < 100 else "high",
    "regression": lambda score: round(score * 3.7, 2),
}


def table(path, target, start, n):
    header = ["age", "plan", "joined", "spent"] + (["y"] if target else [])
    lines = [",".join(header)]
    for cells, score in rows(start, n):
        lines.append(",".join(map(str, cells + ([target(score)] if target else []))))
    path.write_text("\n".join(lines) + "\n")


def main(binary, version):
    for name in ADDED.get(version, MODELS):
        learner, *given = MODELS[name]
        flags = [word for word in given if word.startswith("--")]
        params = [word for word in given if not word.startswith("--")]
        task = name.split("-")[0]
        n_rows = 800 if flags else 200
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            table(folder / "train.csv", TARGETS.get(name, TARGETS[task]), 0, n_rows)
            train = ["train", learner, "train.csv", "--target", "y", "--task", task, "-q", *flags]
            train += [word for param in params for word in ("--param", param)]
            subprocess.run([binary, *train, "--out", "out"], cwd=folder, check=True)
            sample = HERE / f"{version}-{name}"
            shutil.copy(folder / "out" / "model.mw", f"{sample}.mw")
            table(pathlib.Path(f"{sample}.rows.csv"), None, n_rows, 25)
            predict = ["predict", f"{sample}.mw", f"{sample}.rows.csv", "-q"]
            predict += ["--intervals"] if any("intervals" in flag for flag in flags) else []
            predict += ["-o", f"{sample}.predictions.csv"]
            subprocess.run([binary, *predict], check=True)


if __name__ == "__main__":
    main(str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2])
