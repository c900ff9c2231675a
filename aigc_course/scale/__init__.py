"""How far does it scale? Counting work, the roofline, many devices, a scaling law, energy. Chapter 15.

idea                                              file
FLOPs of layers, of the decoder, of any graph     flops.py
what a machine allows: products against memory    roofline.py
one device to many: exchange, Amdahl, Gustafson   many.py
loss against size and data, fitted and foretold   law.py
from seconds to kilowatt-hours and grams          energy.py
"""
