"""The two-coloured graph of runs and versions: asked for, walked, and drawn.

::

    query  →  LineageGraph  →  graph: walk, order, group
                            →  lanes, layered: text      dot, mermaid, document: files

Only `query` reads a store; every other module is pure. Drawings are honest: every line drawn is an edge of
the graph, and where one cannot be drawn the picture says so. Labels are untrusted text and pass `labels`.
"""
