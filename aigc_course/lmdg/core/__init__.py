"""The decoder and what every use of it shares: transformer, generation, training, characters (chapter 08)."""
