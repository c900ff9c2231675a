"""What one may answer for: privacy, copies, marks, provenance, fairness (chapters 13 and 14).

Chapter 13: features, private, accounting, audit, gaussians (differential privacy); membership, copies, unlearning.
Chapter 14: maker, regimes (training on one's own output), textmark, picturemark, detector, provenance, labels, shares.

Some need an extra, and say which: pip install -e '.[trust]', and '.[trust-dp]' for the accountants.
"""
