"""Real large models through KerasHub (chapter 15): costs before anything is fetched, load, tiny stand-ins."""
