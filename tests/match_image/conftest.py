import importlib.util
import sys
from pathlib import Path

import pytest
from PIL import Image

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def load(name: str):
    """Import a module that the benchmarks share with these tests, by its path."""
    key = f"clonedetect_benchmarks_{name}"
    if key not in sys.modules:
        spec = importlib.util.spec_from_file_location(key, BENCHMARKS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[key] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[key])
    return sys.modules[key]


@pytest.fixture(scope="session")
def transforms():
    return load("image_transforms")


@pytest.fixture(scope="session")
def memory_index():
    return load("memory_index").MemoryIndex


@pytest.fixture(scope="session")
def ours() -> dict[str, Path]:
    """The photographs that the index holds."""
    import skimage
    import sklearn

    data = Path(skimage.__file__).parent / "data"
    images = Path(sklearn.__file__).parent / "datasets" / "images"
    names = """astronaut.png chelsea.png coffee.png rocket.jpg hubble_deep_field.jpg retina.jpg
        motorcycle_left.png coins.png"""
    return {n: data / n for n in names.split()} | {n: images / n for n in ("china.jpg", "flower.jpg")}


@pytest.fixture(scope="session")
def strangers() -> dict[str, Path]:
    """Photographs that the index does not hold."""
    import skimage

    data = Path(skimage.__file__).parent / "data"
    return {
        n: data / n for n in ("camera.png", "moon.png", "ihc.png", "brick.png", "grass.png", "gravel.png")
    }


@pytest.fixture(scope="session")
def photographs(ours):
    return {name: Image.open(path).convert("RGB") for name, path in ours.items()}
