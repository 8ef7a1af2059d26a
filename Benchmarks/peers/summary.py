"""The figures of a measured network, from its JSON."""

import json
import statistics
from dataclasses import dataclass

from plan import PEERS, PLANS

TITLES = {"ours": "UD2M", **PEERS}


@dataclass
class Row:
    """One program. `ratios` are its times over ours of the same round; `failed` is why it was left out."""

    program: str
    seconds: list
    ratios: list
    note: dict

    @property
    def title(self):
        return TITLES.get(self.program, self.program)

    @property
    def failed(self):
        return self.note.get("failed")

    @property
    def ratio(self):
        return statistics.median(self.ratios)


def rows(report):
    """Every program of a report, ours first."""
    found = []
    for program in TITLES:
        if program not in report["programs"]:
            continue
        seconds, ratios = [], []
        for group in report["groups"]:
            if program in group:
                seconds += group[program]
                ratios += [theirs / ours for theirs, ours in zip(group[program], group["ours"], strict=True)]
        found.append(Row(program, seconds, ratios, report["programs"][program]))
    return found


def reports(folder):
    """The reports in a folder, the largest network first."""
    paths = [folder / f"{name}.json" for name in reversed(PLANS)]
    return [json.loads(path.read_text()) for path in paths if path.exists()]
