# %% [markdown]
# # 12 · Augmentation and personalisation
#
# **Does generated data help? Can it fit a person?**
#
# You will be able to
# - measure whether generated training data helps or harms, paired, with an interval, and what one generated picture is worth;
# - learn a taste from thirty answers, draw what is liked, and see what happens when you believe the model too much;
# - adapt a generator to twenty examples, and count what it forgets.
#
# **Time:** @MINUTES@ on 2 CPU cores at 485 GFLOP/s, @MINUTES_SLOW@ at 210. **Needed:** chapter 01 (classifiers, standard error), 06 (small GANs side by side), 07 (conditional GAN, sliders), 09 (the pre-trained model).

# %%
# @title On Colab: install the course (elsewhere there is nothing to do)

# %%
from aigc_course import runtime
runtime.start(seed=7)          # before TensorFlow: seeds, device report, FAST profile

@IMPORTS@

# %% [markdown]
# ## What the article asks
#
# Two of the article's applications (section 6) are data augmentation 数据增强, which "improves generalisation", and personalised service 个性化服务, which fits a person. It gives a number for neither. Here each becomes an experiment that could fail.
