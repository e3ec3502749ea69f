"""Pictures in a terminal: half blocks everywhere, real pixels where the terminal says that it can.

`decoding` makes bounded pixels of encoded files, `scaling` fits them, `cells` turns them into characters, `protocols`
into the bytes that kitty and sixel terminals draw; none of these imports Textual. `picture` and `grid` are the widgets.
"""
