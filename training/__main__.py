"""
Fit the learned model of the engine on folders of labelled documents.

    python -m training FOLDER... [--model NPZ] [--metrics JSON]

Each FOLDER has ``labels.csv`` with the columns path and category. The columns kind, language and source_repo are
optional. They group the figures. Documents of the categories "other" and "none" fit none of the other categories. The
engine reads each document, and a simulated scan of each document with a text layer. The pages are cached in
``.bench/pages`` until the code that reads them changes.

The figures are computed first. A third of the sources is held out, and scored by a model that is fitted on the other
two thirds. The held-out documents that are not in the folder "documents", with which the knowledge was written, are
also scored apart. Then all documents are scored in a cross-validation by source. At the end, the model is fitted on all
documents.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from airflow_provider_classify.engine.learned.model import load_model
from airflow_provider_classify.engine.learned.model_file import SHIPPED
from training.train import train


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER")
    parser.add_argument("--model", type=Path, default=SHIPPED, metavar="NPZ")
    parser.add_argument("--metrics", type=Path, metavar="JSON", help="metrics.json beside the model by default")
    options = parser.parse_args()
    missing = [str(folder) for folder in options.folders if not (folder / "labels.csv").is_file()]
    if missing or not options.folders:
        what = f"{', '.join(missing)} has no labels.csv" if missing else "no folder is named"
        sys.exit(
            f"Training needs folders of labelled documents, but {what}. Run "
            'make train DOCUMENTS="folder ..."; each folder needs a labels.csv with the columns path and category. '
            "The model of the package stays in use."
        )
    base = None if options.model == SHIPPED else load_model()
    metrics = train(options.folders, options.model, base)
    target = options.metrics or options.model.with_name("metrics.json")
    target.write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for name in [name for name in ("held_out", "held_out_unread", "cross_validated") if name in metrics]:
        print(f"{name}: {json.dumps({key: value for key, value in metrics[name].items() if key[:3] != 'by_'})}")


if __name__ == "__main__":
    main()
