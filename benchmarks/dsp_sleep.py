"""Sleep against polysomnography, and the speed of sleep and rhythm: `python benchmarks/dsp_sleep.py [DATA]`.

DATA is the folder that holds `walch_sleep_features` (by default `../shared/data`): 16 nights of an Apple Watch with
polysomnography (Walch 2019). A plain logistic regression on `sleep_features` is trained on 15 wearers and judged on
the one left out, in turn; nothing else was fitted. Published there, with a neural network on all 31: wake found 59.6
% at 93 % of sleep kept. Raw counts are not in this data, so the classic algorithms cannot be judged on it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vitals_signal import rest_activity, sleep_features, sleep_wake, sleep_window


def row(name: str, wake: NDArray[np.bool_], score: NDArray[np.float64], areas: list[float]) -> None:
    threshold = np.quantile(score[~wake], 0.93)
    called = score > threshold
    print(
        f"{name:34s} AUROC {roc_auc_score(wake, score):.3f} (mean of wearers {np.mean(areas):.3f})"
        f"  wake at 93 % sleep {100 * called[wake].mean():.1f} %  kappa {cohen_kappa_score(wake, called):.3f}"
        f"  accuracy {100 * (called == wake).mean():.1f} %"
    )


def against_psg(folder: Path) -> None:
    nights = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as night:
            f = sleep_features(night["count_feature"], night["hr_feature"], night["time_feature"])
            nights.append((f.values, night["psg_labels"] == 0))
    every = np.concatenate([wake for _, wake in nights])
    print(f"{len(nights)} nights, {len(every)} epochs, {100 * every.mean():.1f} % wake; leave one wearer out")
    for name, columns in (
        ("motion", range(10)), ("heart", range(10, 17)), ("motion, heart", range(17)),
        ("motion, heart, clock", range(19)),
    ):  # fmt: skip
        scores, areas = [], []
        for k, (x, wake) in enumerate(nights):
            model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=500))
            others = [night for j, night in enumerate(nights) if j != k]
            model.fit(np.concatenate([o[0][:, columns] for o in others]), np.concatenate([o[1] for o in others]))
            scores.append(model.predict_proba(x[:, columns])[:, 1])
            areas.append(float(roc_auc_score(wake, scores[-1])))
        row(name, every, np.concatenate(scores), areas)


def speed() -> None:
    rng = np.random.default_rng(0)
    week = rng.poisson(200, 7 * 1440).astype(np.float64)
    angle = np.cumsum(rng.standard_normal(17280)) % 90
    night = rng.random(960) * 50
    for name, work in (
        ("sleep_wake, Cole-Kripke, 7 days", lambda: sleep_wake(week)),
        ("sleep_wake, Sadeh, 7 days", lambda: sleep_wake(week, method="sadeh")),
        ("sleep_window, 24 h of 5 s", lambda: sleep_window(angle)),
        ("rest_activity, 7 days", lambda: rest_activity(week)),
        ("sleep_features, a night", lambda: sleep_features(night, night)),
    ):
        work()
        begin = time.process_time()
        for _ in range(5):
            work()
        print(f"{name:34s} {1e3 * (time.process_time() - begin) / 5:8.2f} ms CPU")


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "shared" / "data"
    against_psg(data / "walch_sleep_features")
    speed()


if __name__ == "__main__":
    main()
