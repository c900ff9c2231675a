"""Large-model generation in three phases: pre-train, fine-tune, generate (chapters 08 to 10)."""
