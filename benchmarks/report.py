"""Writes what was measured into RESULTS.md, between its markers, and draws docs/bench.png. Text around stays.

`python benchmarks/report.py` reads runs/bench/*.json; a benchmark that was not run keeps its old table, and is named.
"""

import re
from pathlib import Path

import numpy as np
from common import ROOT, kept, machine
from loops import CLASSIC, GUIDE

PAGE = Path(__file__).with_name("RESULTS.md")
ENGINE, TORCH = "GAN.fit, fused (the engine)", "PyTorch, channels_last"


def table(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def where(result):
    """One line: machine, versions, date."""
    m = result["machine"]
    versions = ", ".join(f"{name} {m[name]}" for name in ("python", "tensorflow", "keras", "torch") if name in m)
    return f"{m['cores']} cores ({m['features']}), {m['memory_gib']} GiB, no GPU used; {versions}; {m['date']}."


def throughput(result):
    medians = {name: float(np.median(found)) for name, found in result["images_per_second"].items()}
    product, limit = float(np.median(result["product_gflops"])), result["limit"]
    rows = []
    for name, rate in medians.items():
        each = result["images_per_second"][name]
        shares = [f"{rate / other:.2f}" for other in (limit, medians[GUIDE], medians[CLASSIC])]
        rows.append([name, f"{rate:.0f}", f"{min(each):.0f}–{max(each):.0f}", *shares])
    rows.append(["limit by the matrix product", f"{limit:.0f}", "", "1.00", f"{limit / medians[GUIDE]:.2f}", ""])
    facts = [
        f"The engine: {medians[ENGINE] / limit:.2f} of the limit (asked: 0.70), "
        f"{medians[ENGINE] / medians[GUIDE]:.2f} × the Keras-guide loop (asked: 2.4)"
    ]
    if TORCH in medians:
        facts.append(f", {medians[ENGINE] / medians[TORCH]:.2f} × PyTorch channels_last (asked: 1.25)")
    head = ["loop", "images/s, median", "range", "of the limit", "× guide", "× classic"]
    return (
        f"{where(result)} Batch {result['batch']}, {result['rounds']} rounds in turn; matrix product "
        f"{product:.0f} GFLOP/s ({min(result['product_gflops']):.0f}–{max(result['product_gflops']):.0f}).\n\n"
        + table(head, rows)
        + f"\n\n{''.join(facts)}."
    )


def layers(result):
    rows = [[row["piece"], row["way"], row["ms"], row["gflops"] or ""] for row in result["rows"]]
    return f"{where(result)} Batch {result['batch']}, forward and backward, best of the rounds.\n\n" + table(
        ["piece", "way", "ms", "GFLOP/s"], rows
    )


def quality(result):
    base = {goal: result["summary"]["make train"][goal]["median"] for goal in result["summary"]["make train"]}
    rows = []
    for recipe, goals in result["summary"].items():
        for goal, found in goals.items():
            shown = [f"{t:.0f}" if t is not None else f"> {found['cap']:.0f}" for t in found["seconds"]]
            middle, best = found["median"], base[goal]
            ratio = ""
            if best:
                ratio = f"{middle / best:.1f}" if middle else f"> {found['cap'] / best:.1f}"
            rows.append([recipe, goal, ", ".join(shown), f"{middle:.0f}" if middle else f"> {found['cap']:.0f}", ratio])
    last = [
        [
            one["recipe"],
            one["seed"],
            f"{one['curve'][-1]['seconds']:.0f}",
            f"{one['curve'][-1]['images']:,}",
            min(point["distance"] for point in one["curve"]),
        ]
        for one in result["runs"]
    ]
    head = ["recipe", "judge distance", "seconds, each seed", "median", "× make train"]
    intro = f"{where(result)} n = 5,000 against 10,000 test images, floor 0.92; scoring not counted."
    return (
        f"{intro}\n\n"
        + table(head, rows)
        + "\n\nWhere each run ended:\n\n"
        + table(["recipe", "seed", "seconds", "images", "best distance"], last)
    )


def startup(result):
    rows = [
        ["Python to the end of the first step", ", ".join(map(str, result["first_step"])), "8"],
        ["the same under XLA", ", ".join(map(str, result["first_step_xla"])), ""],
        ["`make lab` to the address", ", ".join(str(one["address"]) for one in result["lab"]), ""],
        ["`make lab` to chapter 00 on screen", ", ".join(str(one["chapter_00"]) for one in result["lab"]), "10"],
    ]
    return f"{where(result)}\n\n" + table(["wait", "seconds, each try", "asked"], rows)


def memory(result):
    rows = [
        [row["batch"], row["peak_mb"], f"{row['images_per_second']:.0f}", row["ms_per_image"]] for row in result["rows"]
    ]
    return f"{where(result)}\n\n" + table(["batch", "peak MB", "images/s", "ms an image"], rows)


def recipes(result):
    rows = [
        [row["change"], *[row["distance"].get(n, "") for n in ("16000", "32000", "48000", "64000")]]
        for row in result["rows"]
    ]
    return f"{where(result)} {result['note']}\n\n" + table(
        ["recipe", "16,000 images", "32,000", "48,000", "64,000"], rows
    )


def collapse(result):
    rows = []
    for one in result["rows"]:
        cells = []
        for name, scale, digits in (("modes", 1, 1), ("high_quality", 100, 1), ("reverse_kl", 1, 3), ("spread", 1, 2)):
            mean, error = one[name]["mean"], one[name]["standard_error"]
            cells.append("" if mean is None else f"{scale * mean:.{digits}f} ± {scale * (error or 0):.{digits}f}")
        rows.append([one["method"], one["data"], one["n_seeds"], f"{one['steps']:,}", *cells, one["seconds_a_seed"]])
    numbers = ["modes", "high quality, %", "reverse KL, nats", "width"]
    head = ["method", "data", "seeds", "steps", *numbers, "seconds a seed"]
    intro = f"{where(result)} Mean ± standard error over the seeds (from 100 on), 2,500 samples, 128 points a step."
    return f"{intro}\n\n" + table(head, rows)


def stacked(result):
    rows = []
    for one in result["runs"]:
        last = one["curve"][-1]
        minutes = f"{last['seconds'] / 60:.0f}"
        run = [one["method"], one["seed"], one["threads"], minutes]
        parts = [f"{last['kl']:.3f}", f"{last['kl'] - 999 / 51_200:.3f}", f"{sum(last['channels']):.3f}"]
        rows.append([*run, f"{last['images']:,}", last["modes"], *parts])
    head = ["method", "seed", "threads", "minutes", "images", "modes of 1,000", "KL, nats", "corrected", "of channels"]
    return f"{where(result)} 25,600 samples, scoring not counted.\n\n" + table(head, rows)


def spread(rows, key, digits, scale=1):
    """A cell: mean over the rows, ± its standard error where there are several; empty where nothing was measured."""
    values = scale * np.array([row[key] for row in rows if row[key] is not None])
    if not len(values):
        return ""
    error = f" ± {values.std(ddof=1) / np.sqrt(len(values)):.{digits}f}" if np.ptp(values) else ""
    return f"{values.mean():.{digits}f}{error}"


def groups(rows, *keys):
    """(values of the keys, the rows that have them), in the order of the first of each."""
    names = dict.fromkeys(tuple(row[key] for key in keys) for row in rows)
    return [(name, [row for row in rows if tuple(row[key] for key in keys) == name]) for name in names]


def conditional(result):
    numbers = {"agreement": (1, 100), "least_spread": (2, 1), "mean_spread": (2, 1), "accuracy_score": (1, 100)}
    numbers |= {"class_distance": (1, 1), "copies": (2, 100)}
    rows = [
        [name[0], len(own), *(spread(own, key, *how) for key, how in numbers.items())]
        for name, own in groups(result["rows"], "row", "truncation")
    ]
    head = ["pictures", "seeds", "agreement, %", "smallest spread", "mean spread", "accuracy score, %"]
    intro = f"{where(result)} Mean ± standard error; 1,000 pictures a class."
    return f"{intro}\n\n" + table([*head, "class distance", "copies, %"], rows)


JUDGED = {"distance": (2, 1), "precision": (3, 1), "recall": (3, 1), "agreement": (1, 100), "copies": (2, 100)}
JUDGED_HEAD = ["seeds", "judge distance", "precision", "recall", "agreement, %", "copies, %"]


def flow(result):
    rows = [
        [*name, len(own), *(spread(own, key, *how) for key, how in JUDGED.items())]
        for name, own in groups(result["rows"], "method", "evaluations", "guidance")
    ]
    intro = f"{where(result)} Mean ± standard error over the trainings; 10,000 pictures each, 1,000 a class."
    return f"{intro}\n\n" + table(["method", "evaluations", "guidance", *JUDGED_HEAD], rows)


def families(result):
    order = ("real", "blind", "thief", "gaussian", "vae", "gan", "autoregressive", "flow")
    found = sorted(result["rows"], key=lambda row: (order.index(row["family"]), row["seconds"]))
    rows = []
    for (family, seconds), own in groups(found, "family", "seconds"):
        trained = seconds if family in order[4:] else "–"
        judged = [spread(own, key, *how) for key, how in JUDGED.items()]
        rows.append([family, trained, len(own), *judged, own[0]["evaluations"], spread(own, "milliseconds", 2)])
    intro = f"{where(result)} Mean ± standard error; 10,000 pictures a run; the GAN is not told a class."
    return f"{intro}\n\n" + table(["family", "seconds", *JUDGED_HEAD, "evaluations", "ms a picture"], rows)


def grading(result):
    rows = [
        [
            row["assignment"],
            row["what"],
            f"{row['median']:.1f} ({row['low']:.1f}–{row['high']:.1f})",
            f"{row['seconds']:.0f}",
            f"{result['students'] / row['seconds']:.1f}",
        ]
        for row in result["rows"]
    ]
    ours, other = result["rows"][0]["seconds"] / result["students"], result["nbgrader_seconds"]
    head = ["assignment", "answers", "seconds a submission, median (range)", f"seconds for {result['students']}"]
    return (
        f"{where(result)} Two submissions at a time, each in a sandbox of its own.\n\n"
        + table([*head, "submissions a second"], rows)
        + f"\n\n`nbgrader autograde` of the first assignment, one at a time, no sandbox: {other:.1f} s a submission; "
        f"ours {ours:.2f} s of the machine's time."
    )


SECTIONS = {
    "throughput": throughput,
    "layers": layers,
    "quality": quality,
    "recipes": recipes,
    "startup": startup,
    "memory": memory,
    "collapse": collapse,
    "stacked": stacked,
    "conditional": conditional,
    "flow": flow,
    "families": families,
    "grading": grading,
}


def draw(found):
    """docs/bench.png: loops, time to quality, cost of an image, peak memory, as far as they were measured."""
    import matplotlib.pyplot as plt

    from aigc_course import plots  # noqa: F401  (the house style)

    figure, axes = plt.subplots(2, 2, figsize=(12, 8), layout="constrained")
    if found.get("throughput"):
        ax, rates = axes[0, 0], found["throughput"]["images_per_second"]
        names = sorted(rates, key=lambda name: np.median(rates[name]))
        ax.barh(
            names,
            [np.median(rates[name]) for name in names],
            color=["C1" if n == ENGINE else "lightsteelblue" for n in names],
        )
        for place, name in enumerate(names):
            ax.text(6, place, name, va="center", fontsize=7, color="black")
        ax.set_yticks([])
        ax.axvline(found["throughput"]["limit"], color="k", ls="--", label="limit by the matrix product")
        ax.set(xlabel="images/s", title="Throughput, batch 64")
        ax.legend(loc="lower right")
    if found.get("quality"):
        ax, colours = axes[0, 1], dict(zip(found["quality"]["summary"], ("C1", "C0", "C3", "C2"), strict=False))
        for one in found["quality"]["runs"]:
            curve = one["curve"]
            ax.plot(
                [p["seconds"] for p in curve],
                [p["distance"] for p in curve],
                color=colours[one["recipe"]],
                label=one["recipe"] if one["seed"] == 7 else None,
            )
        for goal in found["quality"]["goals"]:
            ax.axhline(goal, color="k", lw=0.8, ls=":")
        ax.set(
            yscale="log",
            xlabel="seconds of training",
            ylabel="judge distance",
            title="Time to quality, a line for each run",
        )
        ax.legend()
    if found.get("memory"):
        rows = found["memory"]["rows"]
        batches = [row["batch"] for row in rows]
        axes[1, 0].plot(batches, [row["ms_per_image"] for row in rows], "o-")
        axes[1, 0].set(
            xscale="log", xlabel="batch size", ylabel="ms an image", ylim=(0, None), title="Cost of an image"
        )
        axes[1, 1].plot(batches, [row["peak_mb"] for row in rows], "o-")
        axes[1, 1].axhline(1500, color="k", lw=0.8, ls=":")
        axes[1, 1].set(xscale="log", xlabel="batch size", ylabel="peak memory (MB)", ylim=(0, None), title="Memory")
        for ax in axes[1]:
            ax.set_xticks(batches, batches)
            ax.minorticks_off()
    figure.savefig(ROOT / "docs" / "bench.png", dpi=90)


def main():
    text, found = PAGE.read_text(encoding="utf-8"), {}
    for name, write in SECTIONS.items():
        found[name] = kept(name)
        if not found[name]:
            print(f"{name}: not measured here, RESULTS.md keeps what it has")
            continue
        marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
        if len(marked.findall(text)) != 1:
            raise SystemExit(f"RESULTS.md must hold <!-- {name} --> and <!-- /{name} --> once")
        start, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        text = marked.sub("@@", text).replace("@@", start + write(found[name]) + end)
    PAGE.write_text(text, encoding="utf-8")
    drawn = all(found.get(name) for name in ("throughput", "quality", "memory"))
    if drawn:  # a picture with empty panels says less than the one that is there
        draw(found)
    print(f"benchmarks/RESULTS.md{' and docs/bench.png are' if drawn else ' is'} up to date ({machine()['date']})")


if __name__ == "__main__":
    main()
