"""A pipeline on real data that leaves a graph behind: what `localart demo` runs.

`pipeline` is written as a user would write it, with nothing but `import localart`; `model` is the network it
trains, in plain NumPy. `facts` reads from the store what the pipeline left there, `story` tells it.
"""
