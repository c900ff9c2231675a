# %% [markdown]
# # 14 · Authenticity and fairness
#
# **Who made this, and is it fair?**
#
# You will be able to
# - say what happens to a model that is trained on its own output, and which bookkeeping prevents it;
# - mark generated text and pictures, measure what the mark costs and who can remove it, sign and label them;
# - test a generator's classes for bias, and say what the law and the licences ask.
#
# **Time:** @MINUTES@ on 2 CPU cores at 485 GFLOP/s, @MINUTES_SLOW@ at 210. **Needed:** chapter 05 (precision, recall, Fréchet distance), 08 (the poet), 09 (the picture codec), 11 (VAE, flow).

# %%
# @title On Colab: install the course (elsewhere there is nothing to do)

# %%
from aigc_course import runtime
runtime.start(seed=7)          # before TensorFlow: seeds, device report, FAST profile

@IMPORTS@

# %% [markdown]
# ## What the article asks
#
# Section 8 of the article asks for authenticity 真实性 and diversity 多样性, for ethical guidelines and for cooperation. We turn each into something to measure: what is left of diversity when models learn from models; whether a mark in a text or picture survives; whether a label can be checked; whether all classes get their share.
