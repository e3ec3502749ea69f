"""The lineage on the screen: three views of one model, and nothing of the store.

::

    state     what is shown, selected, searched: records and pure functions, no terminal
    canvas    the Map: a planned drawing of which only the window is drawn      lane_list  the Lanes
    walk      inputs, this, outputs                                             side       bar, minimap, facts
    menus     which types, which file, which command                            exports    those files and commands
    frame     holds them together and posts messages                                view       `GraphView`: its keys
"""
