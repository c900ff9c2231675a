"""Flow matching: a network learns the velocity that carries noise to data (chapter 11).

paths (the mathematics, in NumPy), network (what is trained), model (training, drawing, files), vae (another family).
"""
