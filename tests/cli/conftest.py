"""The same playground as for the jobs, driven through the command line."""

from tests.jobs.conftest import platform, scene, serve

__all__ = ["platform", "scene", "serve"]
