"""Grading: submissions run in a sandbox, and what comes back is judged outside it."""
