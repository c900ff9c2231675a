# %% [markdown]
# ## Recap
#
# - A chain of models that read each other loses the rare first, then nearly all variety; keeping old real pictures bounds the loss, checking quality alone speeds it up.
# - Marks help where the maker wants them and nobody redraws the work; detectors look for what their training happened to contain; signatures prove who spoke, not what is true.
# - Shares, false-negative rates and licences can be tested. What follows from a test is decided by people, who should say why.

# %% [markdown]
# ## Check yourself
#
# 1. Precision rises from generation to generation. Why is that no good news?
# <details><summary>Answer</summary>It asks whether each picture is near to some real one. A generator that draws one clean digit over and over gets full marks; recall and the rare class show what is lost.</details>
#
# 2. A file has no content credential. What follows?
# <details><summary>Answer</summary>Nothing. Most files never had one, and one re-save takes it away. Only a credential that is there can be checked: whole or not, signed by somebody you trust or not.</details>
#
# 3. A detector finds 99 % of the generated pictures. What do you ask before you use it?
# <details><summary>Answer</summary>At which false-positive rate, on whose pictures, from which generator, and whether both kinds came in one file format. On a generator that it has not seen it may be blind.</details>

# %% [markdown]
# ## Exercises
#
# **Checked, 5 exercises, @POINTS14@ points:** [exercises/14_authenticity_and_fairness.ipynb](../exercises/14_authenticity_and_fairness/14_authenticity_and_fairness.ipynb); each names the mistake where it is a known one. **To hand in as text and figures:**
#
# 1. Let the chain keep a tenth of real pictures in each generation. Where does recall settle?
# 2. An attacker who may shift a picture by one pixel hides the mark. Mend the detector, and say what that does to its false alarms.
# 3. Rebalance the shipped generator by drawing more z for the classes that it neglects. What does it cost, and whom does it help?
# 4. One of the three cases, decided and defended, by the rubric above.

# %% [markdown]
# ## Sources
#
# - I. Shumailov et al., Nature 631, 2024; M. Gerstgrasser et al., 2024, arXiv 2404.01413; A. Dey, D. Donoho, 2024, 2410.22812; B. Yi et al., 2025, 2510.16657; L. Shi et al., 2025, 2509.16499; P. Ghosh et al., 2020, 1903.12436.
# - J. Kirchenbauer et al., 2023, 2301.10226; P. Fernandez et al., 2023, 2308.00113 (repeats and p-values).
# - I. Cox et al., 1997; X. Zhao et al., 2023, 2306.01953; P. Grommelt et al., 2024, 2403.17608.
# - C2PA specification 2.3; labelling measures of 14 March 2025 and GB 45438-2025 with practice guide TC260-PG-20258A; Regulations (EU) 2024/1689 and 2026/1744. Read in reprints and summaries, 28 November 2026.
# - S. Wilks, 1938; P. Kenfack et al., 2022, 2207.10653; S. Bird et al., *Fairlearn*, 2020; S. Longpre et al., 2024, 2310.16787.
