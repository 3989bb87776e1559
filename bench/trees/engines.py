"""Engines that predict by a LightGBM model, and peers that predict by their own."""

import pathlib
import time

import numpy as np

from . import tables
from .peers import PEERS, LightGbm

#: Batches that are timed, single rows that are timed, and seconds that these may take.
N_BATCHES, N_SINGLE, SINGLE_S = 9, 3_000, 10
#: Single rows before the clock runs.
N_WARM = 50


def lightgbm_file(job):
    """Trains the shared model and writes it as text, unless it is there."""
    path = pathlib.Path(job["file"])
    if not path.exists():
        x, y, _, _ = tables.load(job["data"], job["work"])
        peer = LightGbm(job)
        peer.fit(peer.bin(x[:job["rows"]], y[:job["rows"]]), job["rounds"]).save_model(path)
    return {"bytes": path.stat().st_size}


def _lightgbm(job, _features):
    import lightgbm

    model = lightgbm.Booster(model_file=job["file"])
    return lambda x: model.predict(x, num_threads=job["threads"])


def _lleaves(job, _features):
    import lleaves

    model = lleaves.Model(model_file=job["file"])
    model.compile()
    return lambda x: model.predict(x, n_jobs=job["threads"])


def _treelite(job, _features):
    import treelite

    model = treelite.frontend.load_lightgbm_model(job["file"])
    return lambda x: treelite.gtil.predict(model, x, nthread=job["threads"])


def _tl2cgen(job, _features):
    import tl2cgen
    import treelite

    model = treelite.frontend.load_lightgbm_model(job["file"])
    library = str(pathlib.Path(job["file"]).with_suffix(".so"))
    tl2cgen.export_lib(model, toolchain="gcc", libpath=library, params={"parallel_comp": 4})
    predictor = tl2cgen.Predictor(library, nthread=job["threads"])
    return lambda x: predictor.predict(tl2cgen.DMatrix(x))


def _onnxruntime(job, n_features):
    import lightgbm
    import onnxruntime
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    booster = lightgbm.Booster(model_file=job["file"])
    graph = convert_lightgbm(booster, zipmap=False,
                             initial_types=[("x", FloatTensorType([None, n_features]))])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job["threads"]
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options,
                                           providers=["CPUExecutionProvider"])
    wanted = [session.get_outputs()[1].name]
    return lambda x: session.run(wanted, {"x": x})[0][:, 1]


READERS = {
    "lightgbm": _lightgbm, "lleaves": _lleaves, "treelite": _treelite, "tl2cgen": _tl2cgen,
    "onnxruntime": _onnxruntime,
}


def _own(job):
    """A model of the peer's own of the same size."""
    x, y, _, _ = tables.load(job["data"], job["work"])
    peer = PEERS[job["library"]](job)
    model = peer.fit(peer.bin(x[:job["rows"]], y[:job["rows"]]), job["rounds"])
    if job["library"] == "xgboost":
        model.set_param({"nthread": job["threads"]})
    return lambda x: peer.predict(model, x)


def predict(job):
    """Batches of all test rows, then single rows, in this process."""
    _, _, x_test, y_test = tables.load(job["data"], job["work"])
    begun = time.perf_counter()
    reads = job["library"] in READERS
    engine = READERS[job["library"]](job, x_test.shape[1]) if reads else _own(job)
    ready_s = time.perf_counter() - begun
    predicted = engine(x_test)
    seconds, cpu_begun = [], time.process_time()
    for _ in range(N_BATCHES):
        begun = time.perf_counter()
        predicted = engine(x_test)
        seconds.append(time.perf_counter() - begun)
    cpu_s = time.process_time() - cpu_begun
    micros = _single(engine, x_test)
    metric, value = tables.quality(
        job["task"], y_test, np.asarray(predicted).reshape(len(y_test), -1)[:, -1])
    return {"rows_s": len(y_test) / float(np.median(seconds)), "ready_s": ready_s,
            "best_rows_s": len(y_test) / min(seconds),
            "rows_cpu_s": N_BATCHES * len(y_test) / cpu_s,
            "row_p50_us": float(np.percentile(micros, 50)),
            "row_p99_us": float(np.percentile(micros, 99)),
            "model": "LightGBM's" if reads else "own", "metric": metric, "value": value}


def _single(engine, x):
    """Microseconds of one row at a time."""
    for i in range(N_WARM):
        engine(x[i:i + 1])
    micros, end = [], time.perf_counter() + SINGLE_S
    for i in range(min(N_SINGLE, len(x))):
        row = x[i:i + 1]
        begun = time.perf_counter()
        engine(row)
        micros.append((time.perf_counter() - begun) * 1e6)
        if time.perf_counter() > end:
            break
    return micros
