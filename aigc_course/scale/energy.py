"""From seconds to kilowatt-hours and grams of CO2: an estimate, and what it rests on.

Power × time × the building's overhead × the grid's intensity (Strubell et al., 2019, arXiv 1906.02243; Lacoste et al.,
2019, arXiv 1910.09700; Patterson et al., 2021, arXiv 2104.10350). What made and will scrap the machine is left out, as
is the work of those who only wait.
"""

import time
from pathlib import Path
from typing import NamedTuple

from aigc_course.errors import CourseError, number

__all__ = ["GRIDS", "OVERHEAD", "Footprint", "estimate", "measured_joules", "training_estimate"]

OVERHEAD = 1.58  # power usage effectiveness of an average data centre, as Strubell et al. (2019) take it; a laptop: 1
# Grams of CO2 equivalents a kilowatt-hour, rounded: orders of magnitude, to be replaced by your grid's own figure
GRIDS = {"world": 480.0, "mostly hydro or nuclear": 50.0, "mostly coal": 800.0}
_COUNTER = Path("/sys/class/powercap/intel-rapl:0/energy_uj")  # microjoules that the processor counts itself


class Footprint(NamedTuple):
    """What a run took, by estimate."""

    kilowatt_hours: float
    grams: float  # of CO2 equivalents

    def __str__(self):
        return f"{self.kilowatt_hours:.3g} kWh, {self.grams:.3g} g CO2e"


def estimate(seconds, watts, overhead=1.0, grid=GRIDS["world"]):
    """Energy and carbon of a run.

    Args:
        seconds: float, how long it ran.
        watts: float, of all that ran for it, on average: measured, or the data sheet's limit as an upper bound.
        overhead: float, 1 or more: cooling and supply; `OVERHEAD` is an average data centre.
        grid: float, grams of CO2e a kilowatt-hour.

    Returns:
        `Footprint`.
    """
    seconds, watts = number(seconds, "seconds", low=0), number(watts, "watts", low=0)
    spent = seconds * watts * number(overhead, "overhead", low=1) / 3.6e6
    return Footprint(spent, spent * number(grid, "grid", low=0))


def training_estimate(flops, flops_per_second, watts, used=0.4, overhead=OVERHEAD, grid=GRIDS["world"]):
    """Energy and carbon of a training that is only known by its FLOPs.

    Args:
        flops: float, 6 N D for a language model.
        flops_per_second: float, what one device can at most.
        watts: float, what it draws meanwhile.
        used: float in (0, 1], the share of that which a training attains.
        overhead, grid: as `estimate`.
    """
    flops, rate = number(flops, "flops", low=0), number(flops_per_second, "flops_per_second", above=0)
    return estimate(flops / (rate * number(used, "used", above=0, high=1)), watts, overhead, grid)


def measured_joules(run, counter=_COUNTER):
    """(joules of the processor while run() went, seconds), by its own counter; for Linux on Intel and AMD.

    Args:
        run: function without arguments.
        counter: path of the counter in microjoules.

    Raises:
        CourseError: this machine has no such counter, or it may not be read: take `estimate` and say so.
    """
    counter = Path(counter)
    try:
        before = int(counter.read_text())
    except (OSError, ValueError) as error:
        raise CourseError(
            f"no energy counter can be read at {counter}: use estimate with watts, and say so."
        ) from error
    begin = time.perf_counter()
    run()
    seconds = time.perf_counter() - begin
    spent = int(counter.read_text()) - before
    if spent < 0:  # it starts again from 0 at its range's end
        limit = counter.with_name("max_energy_range_uj")
        spent += int(limit.read_text()) if limit.is_file() else 0
    return spent / 1e6, seconds
