"""The EC57 report of a detector over MIT-BIH: `python run.py bench dsp_ec57 [offline|stream] [DATA]`.

DATA is the folder that holds `mitdb` (by default `../shared/data`). First lead; the detector names no classes, so that
the columns of ectopic beats say what a detector alone gives. `vitals ec57` does the same for any records.
"""

from __future__ import annotations

import sys
from pathlib import Path

from vitals.formats.beat_scores import Detector, score_records


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument not in ("offline", "stream")]
    data = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2] / "shared" / "data"
    detector: Detector = "stream" if "stream" in sys.argv[1:] else "offline"
    print(score_records(sorted((data / "mitdb").rglob("*.atr")), detector=detector))


if __name__ == "__main__":
    main()
