"""A project of your own: numbers with intervals, licences, a data sheet, a card, and its check (chapter 16).

`intervals` says how far a number moves, `measures` makes it again, `licences` asks whether the data allow what the
project does, `project` reads a folder, `sheet` and `card` write what a reader needs, `checking` runs the numbers again,
`command` is `python -m aigc_course card`.
"""
