"""Authorization: the signed grant, the one spelling of a URL, and the permit a fetch needs.

Pure but for its two edges, ``grant.file`` and ``grant.keys``, which read and write files.
"""
