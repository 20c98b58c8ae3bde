"""What a captured page holds: links, media, text and identifiers, from bytes alone.

Everything here is a pure function of its arguments, but for `sandbox` and
its `worker`, which run such functions in processes that can be killed.
"""
