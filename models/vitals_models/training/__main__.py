"""Command line of training: train, or evaluate a model on a folder of data sets. Figures as JSON on stdout."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from vitals_models.datasets import DATASETS
from vitals_models.training import evaluate, train


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m vitals_models.training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    learn = commands.add_parser("train", help="write irregular-rhythm.tflite and its card")
    learn.add_argument("data", help="folder that holds the data sets by name")
    learn.add_argument("out", help="folder for the model and its card")
    learn.add_argument("--seed", type=int, default=0)
    score = commands.add_parser("evaluate", help="score a model at its threshold")
    score.add_argument("model", help="name of a shipped model, or a .tflite file with its card beside it")
    score.add_argument("data", help="folder that holds the data sets by name")
    score.add_argument("--datasets", nargs="+", default=DATASETS, choices=DATASETS)
    score.add_argument("--subjects", nargs="+", help='records such as "203" or "mitdb/203"')
    score.add_argument("--runtime", help="litert, tflite-runtime or numpy")
    asked = parser.parse_args(arguments)
    if asked.command == "train":
        card = train(asked.data, asked.out, seed=asked.seed, progress=_say)
        result = {"sha256": card.sha256, "bytes": card.size_bytes, "measures": [asdict(m) for m in card.measures]}
    else:
        report = evaluate(
            asked.model,
            asked.data,
            datasets=asked.datasets,
            subjects=asked.subjects,
            runtime=asked.runtime,
            progress=_say,
        )
        result = asdict(report)
    print(json.dumps(result, indent=1))
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
