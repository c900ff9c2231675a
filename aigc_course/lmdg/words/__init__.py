"""One model for number words, pictures and voices (chapter 09): rows, corpus, pairs, ask, listener, probe, command."""
