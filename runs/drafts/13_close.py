# %% [markdown]
# ## Recap
#
# - An attack is judged where it accuses hardly anyone wrongly. There a threshold on the loss finds nobody; comparing each example with itself finds the odd ones.
# - Clip, sample, add noise, count: ε bounds every attack. The accountant reads the settings, an audit the program.
# - A copy, a forgotten example, a private model: each claim needs its null, its yardstick and somebody who tries to break it.

# %% [markdown]
# ## Check yourself
#
# 1. An attack has an AUC of 0.60. Is that a small leak?
# <details><summary>Answer</summary>The AUC cannot say. It may be a little for all, or nearly everything for a few: look at the members found where one stranger in a hundred is accused.</details>
#
# 2. Why is the noisy sum divided by the expected batch and not by the actual one?
# <details><summary>Answer</summary>The actual size depends on who is there: dividing by it publishes, without noise, something about each person.</details>
#
# 3. An audit finds ε ≥ 0.7, the accountant says ε ≤ 3. Who is wrong?
# <details><summary>Answer</summary>Nobody: the truth lies between them. A bound above 3 would have proved a bug; a bound below it proves only that this attack was weak.</details>

# %% [markdown]
# ## Exercises
#
# **Checked, 5 exercises, @POINTS13@ points:** [exercises/13_privacy_and_copying.ipynb](../exercises/13_privacy_and_copying/13_privacy_and_copying.ipynb); each names the mistake where it is a known one. **To hand in as text and figures:**
#
# 1. Train one of the classifiers with weight decay. What happens to LiRA, and what to the test digits?
# 2. Halve the batch at the same ε. What do noise, steps and accuracy do, and which of them do you pay for?
# 3. Give a thief 1,000 digits and blur what it draws. At which blur does $C_T$ stop accusing it?
# 4. Two people ask: "was my handwriting in it?" Write the answer that you can defend, and the one that you can't.

# %% [markdown]
# ## Sources
#
# - R. Shokri et al., 2017, arXiv 1610.05820; S. Yeom et al., 2018, 1709.01604; N. Carlini et al., 2019, 1802.08232 (exposure); 2022, 2112.03570 (LiRA), numbers from the README of their code; J. Neyman, E. Pearson, 1933.
# - C. Dwork et al., 2006; M. Abadi et al., 2016, 1607.00133; I. Mironov, 2017, 1702.07476; B. Balle, Y.-X. Wang, 2018, 1805.06530; A. Koskela et al., 2020, 1906.03049; V. Doroshenko et al., 2022, 2207.04380; L. Chua et al., 2024, 2403.17673; N. Papernot, T. Steinke, 2022, 2110.03620.
# - J. Bruna, S. Mallat, 2013, 1203.1513; F. Tramèr, D. Boneh, 2021, 2011.11660; the READMEs of TensorFlow Privacy and Opacus.
# - T. Steinke et al., 2023, 2305.08846 (audit). C. Meehan et al., 2020, 2004.05675; H. Mann, D. Whitney, 1947.
