"""What the text matching tests share: an index in memory, a model of known cost, captions of our own."""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import settings

from clonedetect.models.page import BlockKind, TextBlock
from clonedetect.models.reference import TextCost

settings.register_profile("steady", deadline=None)
settings.load_profile("steady")

CAPTIONS = {
    "en": (
        "We patched the old rowing boat with a tarpaulin and two buckets of pine pitch, and by four o'clock "
        "it floated well enough to carry my grandmother's harmonium across the lagoon #boats #lagoon"
    ),
    "es": (
        "La panadera de la esquina guardó tres hogazas de centeno para mi tío, que volvía del faro con los "
        "bolsillos llenos de cangrejos diminutos y una brújula rota #faro"
    ),
    "tr": (
        "Dedemin bakır cezvesini kalaycıdan aldık, dönerken vapurda martılara simit atan küçük kız bize "
        "mızıkasıyla üç şarkı çaldı, iskelede herkes ayakta alkışladı"
    ),
    "ar": (
        "اشترينا من سوق النحاسين إبريقا قديما نقش عليه اسم صانعه وسنة لم يستطع أحد قراءتها، ثم جلسنا نشرب "
        "الشاي بالنعناع حتى أغلق البائع دكانه ومضى نحو الميناء"
    ),
    "ru": (
        "На чердаке нашли сундук с ёлочными игрушками из ваты, письмо геолога из Игарки и компас, стрелка "
        "которого упрямо показывает на соседский сарай #чердак"
    ),
    "hi": (
        "नानी के आँगन में पुराने नीम के नीचे हमने पीतल की कढ़ाई में गुड़ पिघलाया और पड़ोस के बच्चे कटोरियाँ लेकर "
        "कतार में खड़े हो गए, चाँद निकलने तक मूँगफली भुनती रही"
    ),
    "ja": (
        "祖父の古い望遠鏡を直して屋根に上がったら、隣の猫が先に座っていて、二人で土星の輪を一時間も眺めてしまった。"
        "帰りに瓦を一枚割ったのは内緒です #天体観測"
    ),
    "th": (
        "ยายเก็บมะขามจากต้นหลังวัดมาตากบนหลังคาสังกะสี ลมพัดแรงจนกระด้งปลิวไปตกในเรือของลุงที่กำลังซ่อมแหอยู่ริมคลอง "
        "ทุกคนหัวเราะจนลืมปิดเตาถ่าน"
    ),
    "zh": (
        "外婆把腌好的雪里蕻装进旧饼干盒,让我带去码头给修船的老陈,他却用半截桅杆给我刻了一只会晃脑袋的鹭鸶,"
        "潮水涨上来时我们还在争它到底像不像鸭子"
    ),
    "ko": (
        "할아버지가 고쳐 주신 자전거를 타고 염전 끝까지 달렸더니 소금 창고 앞에서 졸던 고양이가 바구니에 "
        "올라타 집까지 따라왔고, 이제 이름은 간수가 되었다"
    ),
}


class FlatModel:
    """A character model where every letter costs the same, and a CJK character as much as it says more."""

    def __init__(self, bits: float = 2.0, *, is_sufficient: bool = True) -> None:
        self._bits = bits
        self._is_sufficient = is_sufficient

    @property
    def version(self) -> str:
        return f"flat/1({self._bits})"

    def bits(self, text: str) -> np.ndarray:
        return np.array([self._bits * (2.25 if "\u3040" <= char < "\ud800" else 1.0) for char in text])

    def costs(self, texts: Sequence[str]) -> tuple[TextCost, ...]:
        return tuple(TextCost(self.bits(text), self._is_sufficient) for text in texts)


def load(path: Path) -> ModuleType:
    name = f"_shared_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def block_of(
    text: str, locator: str = "p[1]", kind: BlockKind = BlockKind.LEAF, entry: str = ""
) -> TextBlock:
    return TextBlock(text, kind, locator, entry)


@pytest.fixture(scope="session")
def captions():
    return CAPTIONS


@pytest.fixture(scope="session")
def memory_index():
    return load(Path(__file__).with_name("memory_index.py")).MemoryIndex


@pytest.fixture(scope="session")
def transforms():
    return load(Path(__file__).parent.parent / "benchmarks" / "text_transforms.py").TRANSFORMS


@pytest.fixture(scope="session")
def block():
    return block_of


@pytest.fixture(scope="session")
def flat_model():
    return FlatModel


@pytest.fixture
def index_of(memory_index, flat_model):
    """Return a maker of indexes whose every character costs two bits under a model that suffices."""

    def make(*posts, bits=2.0, is_sufficient=True):
        index = memory_index(posts)
        index.model = flat_model(bits, is_sufficient=is_sufficient)
        return index

    return make
