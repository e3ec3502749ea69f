"""Charts of metrics in text: pure drawing below, one widget on top.

Words: a *point* is one step's number, or several neighbouring steps' together (mean, low, high); a *series* is one
run's points of one metric, with the glyph (*tag*) that tells it from others without colour; the *window* is the part
of the x axis that is shown; a *raster* holds dots, several to a character cell: 2 × 4 in braille, 1 × 2 in ASCII.

`series` reckons, `axes` picks the ticks, `braille` holds dots, `plotting` sets them, `drawing` frames them as rows of
spans, `sparkline` is the one-line sort; none of these imports Textual. `chart` is the widget.
"""
