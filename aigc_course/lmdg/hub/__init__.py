"""Real large models through KerasHub (chapters 09 and 15): costs before anything is fetched, load, tiny stand-ins."""
