"""A rehearsal of the whole job on loopback: a platform, a clone network, innocent neighbours.

Everything it needs is generated here or lies in the wheels of scikit-image and
scikit-learn (extra ``demo``); nothing is downloaded and nothing leaves the machine.
"""
