"""Move finished faces by the shapes, lids and teeth of today: `python tools/faces/refit.py face1`.

Their pictures are not taken again, but for those of the eyes if `--eyes` is given: seconds instead
of minutes.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

import numpy as np
from anatomy import EYES
from bake import SIZE, describe, fit, write_eyes, write_inside
from make import EVERYONE, FACES, preview


def refit(folder: Path, *, eyes: bool = False) -> None:
    """Renew what is drawn and moved alike in all faces. Raises KeyError for a face not of ours."""
    person = EVERYONE[folder.name]
    style = importlib.import_module(person.style)
    if eyes:
        write_eyes(style.photograph(person, EYES, SIZE * style.OVERSAMPLING), folder)
    with np.load(folder / "face.npz", allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    depth, lips = (arrays[name].astype(np.float64) for name in ("depth_head", "seam"))
    lips[:, 1] = person.features.mouth.seam(lips[:, 0])
    names, fitted = fit(person.features, depth, lips)
    np.savez_compressed(folder / "face.npz", **arrays | fitted)
    describe(person, names, folder)
    write_inside(person, style, folder)
    preview(folder)
    print(f"refitted {folder}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ids", nargs="+", choices=sorted(EVERYONE))
    parser.add_argument("--eyes", action="store_true", help="take the eyes' pictures again")
    given = parser.parse_args()
    for face_id in given.ids:
        refit(FACES / face_id, eyes=given.eyes)


if __name__ == "__main__":
    main()
