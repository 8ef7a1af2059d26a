"""Where the repository is; importing this module lets scripts here use those of `Tools/parity`."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "Tools" / "parity"))
