"""LMDG, large-model-driven generation (大模型驱动的生成): pre-train, fine-tune, generate. Chapters 08, 09, 10 and 15.

The article's second half in three phases: a model learns from much that nobody has labelled, then from a little that
somebody has, then it makes something new. (Music and films have no labels: there the second phase is left out.) The
same class of network does it for texts, pictures, voices and music, because all become rows of tokens. Films are codes
too; a smaller network writes the codes of a whole frame at once.

    idea                                              file                     chapter
    the decoder, LoRA, the loss of tokens             core/transformer.py      08, 09, 10
    from logits to tokens: temperature, guidance      core/generation.py       08, 09, 10
    a training that resumes                           core/training.py         08, 09, 10
    characters as tokens                              core/characters.py       08, 09
    Tang poems: pre-training, titles, form, rhyme     tang.py                  08
    codes by rounding; pictures, speech, frames       codecs/                  09, 10
    what a spoken word looks like, and back           codecs/sound.py          09
    one row for words, pictures and voices            words/rows.py            09
    what is learnt from without labels                words/corpus.py          09
    what is learnt from with a few labels             words/pairs.py           09
    asking the finished model; its command            words/ask.py, command.py 09
    an independent listener                           words/listener.py        09
    chorales as tokens; what can be counted           bach/                    10
    moving digits; the next frame in parallel         films.py, next_frame.py  10
    what a real large model costs                     hub/costs.py             15
    fetching, fine-tuning, using one; tiny ones       hub/load.py, hub/tiny.py 15
"""
