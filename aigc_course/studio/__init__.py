"""Steering a generator (chapter 07): a conditional GAN, what it is judged by, and a design board.

conditional (networks, training, files), scores (agreement, spread, accuracy of what was learnt from it), steer
(directions of the noise), board (pick, mix, lock, mutate, undo, keep), widget (board and sliders on screen).
"""
