"""Real large models through KerasHub (chapter 09): costs before anything is fetched, load, tiny stand-ins."""
