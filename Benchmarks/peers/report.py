#!/usr/bin/env python3
"""Make a Markdown table and a plot from the JSON that run.py wrote.

    .venv/bin/python Benchmarks/peers/report.py [FOLDER]    # FOLDER/table.md and FOLDER/peers.svg; results by default
"""

import pathlib
import statistics
import sys

import matplotlib

import paths
from summary import reports, rows

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402  (after the choice of what it draws with)

COLOURS = {"eager": "#888888", "channels_last": "#bbbbbb", "compile": "#5b8db8", "onnxruntime": "#c98b3b",
           "openvino": "#7a9a5a"}


def table(report):
    lines = [
        f"### {report['title']}, {report['size']}×{report['size']}", "",
        "| program | seconds (least … most) | times ours | peak memory | of it running | relative rms |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows(report):
        if row.failed:
            lines.append(f"| {row.title} | left out: {row.failed} | | | | |")
            continue
        span = f"{number(statistics.median(row.seconds))} ({number(min(row.seconds))} … {number(max(row.seconds))})"
        ratio = "1" if row.program == "ours" else f"{row.ratio:.2f}"
        lines.append(f"| {row.title} | {span} | {ratio} | {gigabytes(row.note.get('peakResidentBytes'))} | "
                     f"{gigabytes(row.note.get('runningResidentBytes'))} | {error(row)} |")
    return lines + [""]


def number(seconds):
    return f"{seconds:.2f}" if seconds >= 10 else f"{seconds:.3f}" if seconds >= 0.1 else f"{seconds:.5f}"


def gigabytes(count):
    return f"{count / 1e9:.2f} GB" if count else ""


def error(row):
    return f"{row.note['relativeRms']:.1e}" if "relativeRms" in row.note else ""


def heading(report):
    """The machine and the versions, as one paragraph."""
    machine = report["machine"]
    processor = machine["processor"]
    versions = ", ".join(f"{name} {text}" for name, text in machine["versions"].items() if text)
    return [f"{report['date']}; {processor['model']} with {', '.join(processor['instructions'])}; "
            f"{machine['threads']} threads on {machine['processors']} processors, {machine['memoryBytes'] / 2**30:.0f} "
            f"GiB; {report['tool']}, {report['programs']['ours'].get('instructionSet', '')}; {versions}. "
            f"{report['rounds']} interleaved rounds.", ""]


def markdown(found):
    lines, last = [], None
    for report in found:
        paragraph = heading(report)
        if paragraph != last:
            lines += paragraph
        last = paragraph
        lines += table(report)
    return "\n".join(lines)


def plot(found, path):
    """For each network, how many times as long as ours every peer takes: the median, and a line from least to most."""
    pyplot.rcParams.update({"svg.hashsalt": "ud2m", "font.size": 8})
    figure, axes = pyplot.subplots(figsize=(7, 1 + 0.85 * len(found)))
    for place, report in enumerate(found):
        peers = [row for row in rows(report) if row.ratios and row.program != "ours"]
        for index, row in enumerate(peers):
            y = place + (index - (len(peers) - 1) / 2) * 0.16
            axes.barh(y, row.ratio, height=0.14, color=COLOURS[row.program], label=row.title)
            axes.plot([min(row.ratios), max(row.ratios)], [y, y], color="black", linewidth=0.8)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(found)), [f"{report['title']}\n{report['size']}×{report['size']}" for report in found])
    axes.invert_yaxis()
    axes.set_xlabel("time over UD2M's in the same round")
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles))
    axes.legend(unique.values(), unique.keys(), loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else paths.HERE / "results"
    found = reports(folder)
    if not found:
        sys.exit(f"no results in {folder}; run.py makes them")
    (folder / "table.md").write_text(markdown(found))
    plot(found, folder / "peers.svg")


if __name__ == "__main__":
    main()
