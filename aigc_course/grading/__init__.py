"""Grading: submissions run in a sandbox, and what comes back is judged outside it. README.md is for instructors.

| what | modules, in the order of a run |
|---|---|
| the command `grade` | command |
| who handed in what | people, platforms, roster, handed_in, piles, collect |
| a notebook as a stranger's file | submissions, parsing (a process of its own), reading |
| the sandbox, from outside | layout, limits, seccomp, seccomp_filters, bubblewrap, containers, kinds, sandbox |
| the sandbox, from inside | probe, worker, stub, frames (both sides) |
| judging | examine, packages, wording, grader |
| what is written | results, pages, tables, report, safetext |
"""

__all__: list[str] = []  # import the modules
