"""Cheap shortcuts to the exercises of chapter 15."""

import numpy as np

from aigc_course.checks import scales
from answers.shortcuts import plain

# --- chapter 15 ----------------------------------------------------------------------------------------------

plain("15.1", "a tenth more", lambda w, p, m: 1.1 * scales.roof_of(w, p, m))
plain("15.1", "the first three layers", lambda w, p, m: scales.roof_of(w[:3], p, m))
plain("15.1", "a ridge of 14", lambda w, p, m: scales.roof_of(w, p, p / 14))
plain("15.1", "layers with products only", lambda w, p, m: scales.roof_of(w[w[:, 0] > 0], p, m))
plain("15.2", "two devices", lambda s, p, b, late: scales.ring_of(s, 2, b, late))
plain("15.2", "many devices", lambda s, p, b, late: 2 * (s / b + p * late))
plain("15.2", "a tree", lambda s, p, b, late: 2 * np.ceil(np.log2(p)) * (s / b + late))
plain("15.3", "one exponent for both", lambda a, x, b, y, c: scales.best_spend(a, (x + y) / 2, b, (x + y) / 2, c))
plain("15.3", "a ratio of 1", lambda *v: scales.best_spend(*v, ratio=lambda *_: 1.0))
plain("15.3", "two digits", lambda *v: tuple(float(f"{x:.2g}") for x in scales.best_spend(*v)))
plain("15.4", "exponents of one third", lambda n, d, x, a, b: scales.law_of(n, d, x, 1 / 3, 1 / 3))
plain("15.4", "the first six runs", lambda n, d, x, a, b: scales.law_of(n[:6], d[:6], x[:6], a, b))
plain("15.4", "three digits", lambda *v: np.array([float(f"{x:.3g}") for x in scales.law_of(*v)]))
