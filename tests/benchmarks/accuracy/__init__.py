"""The published accuracy run: recall, false accepts, peers and cost over a folder of photographs.

``python -m accuracy`` (with ``tests/benchmarks`` on the path) runs it and rewrites ``docs/accuracy.md``.
"""
