# %% [markdown]
# # 13 · Privacy and copying
#
# **What does a model give away?**
#
# You will be able to
# - tell a model's training examples from strangers, and say how often an accusation is wrong;
# - train with differential privacy, count its ε with two accountants, and test that claim from outside;
# - judge whether pictures are copies, and whether a model has forgotten what it says it has.
#
# **Time:** @MINUTES@ on 2 CPU cores at 485 GFLOP/s, @MINUTES_SLOW@ at 210. **Needed:** chapter 01 (softmax, cross-entropy, standard error), 04 (training step), 05 (nearest neighbours, copies), 08 (a small language model), 11 (the thief).

# %%
# @title On Colab: install the course (elsewhere there is nothing to do)

# %%
from aigc_course import runtime
runtime.start(seed=7)          # before TensorFlow: seeds, device report, FAST profile

@IMPORTS@

# %% [markdown]
# ## What the article asks
#
# Among the challenges of its section 8 the article names privacy 隐私 and copyright 版权. Both turn on one question: how much of a single training example can be read off the finished model? Three experiments ask it: somebody guesses who was in the training set; a training that bounds what such guesses can win; pictures and models that say "I do not know this one".
