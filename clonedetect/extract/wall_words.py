"""The words and marks of pages without content, in the languages clone networks serve.

They only ever count together with structure; see `walls`.
"""

from __future__ import annotations

import re

from clonedetect.models.capture import Outcome

__all__ = [
    "CHALLENGE_SCRIPT",
    "CODE_KEY",
    "COOKIE_SET",
    "FOR_SALE",
    "JSON_CODES",
    "LOGIN_PATH",
    "NEEDS_SCRIPT",
    "NOT_FOUND",
    "RELOAD",
    "WAITING",
    "WIDGET_SOURCE",
]


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


WIDGET_SOURCE = _any(
    r"captcha", r"turnstile", r"/cdn-cgi/challenge-platform/", r"[./]challenges?[./-]", r"arkoselabs"
)
CHALLENGE_SCRIPT = _any(
    r"\b_cf_chl_", r"\bchallenge[-_]?(?:platform|token|form|script)\b", r"\bproof[-_]?of[-_]?work\b"
)
COOKIE_SET = re.compile(r"document\.cookie\s*=")
RELOAD = re.compile(
    r"location\.(?:reload|replace|assign)\s*\(|(?:window\.|document\.|\b)location(?:\.href)?\s*=[^=]"
    r"|\.submit\s*\(\s*\)"
)

WAITING = _any(
    r"just a moment",
    r"one moment",
    r"please wait",
    r"\bchecking\b",
    r"\bverify(?:ing)?\b",
    r"\bverification\b",
    r"are you (?:a )?(?:human|robot)",
    r"not a robot",
    r"\bhuman\b",
    r"attention required",
    r"security check",
    r"access denied",
    r"ddos",
    r"un instant",
    r"un momento",
    r"einen moment",
    r"bitte warten",
    r"um momento",
    r"одну минуту",
    r"подождите",
    r"проверка",
    r"lütfen bekleyin",
    r"bir dakika",
    r"请稍候",
    r"安全验证",
    r"お待ちください",
    r"잠시만",
    r"لحظة",
)

NEEDS_SCRIPT = _any(
    r"(?:enable|turn on|activate|requires?|needs?|allow)\b[^.]{0,60}\b(?:javascript|cookies)",
    r"(?:javascript|cookies)\b[^.]{0,60}\b(?:enabled?|required|needed|disabled|activ)",
    r"(?:activez|activar?|ative|aktivieren|включите|etkinleştir|启用|有効に)[^.]{0,60}(?:javascript|cookies?)",
)

NOT_FOUND = _any(
    r"^\W*(?:error\s*)?404\b",
    r"\b404 (?:error|not found|page)",
    r"\b(?:page|user|profile|account|post|media|content)\b[^.!?]{0,30}"
    r"\b(?:not found|isn.?t available|is not available|unavailable|does ?n.?t exist|does not exist"
    r"|no longer (?:available|exists?)|(?:was|has been|been) (?:removed|deleted)"
    r"|can.?t be found|could not be found)",
    r"^\W*(?:page )?not found\b",
    r"\bno such (?:user|page|profile|post)\b",
    r"\bnothing (?:was )?found\b",
    r"page (?:introuvable|non trouv)",
    r"n.existe (?:pas|plus)",
    r"nicht gefunden",
    r"existiert nicht",
    r"no encontrad[ao]",
    r"no existe",
    r"n[ãa]o encontrad[ao]",
    r"n[ãa]o existe",
    r"non trovat[ao]",
    r"не найден",
    r"не существует",
    r"bulunamadı",
    r"tidak ditemukan",
    r"không tìm thấy",
    r"ไม่พบ",
    r"غير موجود",
    r"見つかりません",
    r"找不到",
    r"不存在",
    r"찾을 수 없",
)

FOR_SALE = _any(
    r"\b(?:is|may be|could be) for sale\b",
    r"\bdomain\b[^.]{0,40}\bfor sale\b",
    r"\b(?:buy|purchase|acquire) this domain",
    r"\b(?:domain|website) (?:is|has been) (?:parked|registered|expired)",
    r"\bparked (?:free|domain|page)",
    r"\bdomain (?:name )?(?:has )?expired",
    r"\binquire about this domain",
    r"zu verkaufen",
    r"steht zum verkauf",
    r"est [àa] vendre",
    r"est[áa] (?:en|[àa]) venda?",
    r"est[áa] en venta",
    r"продается",
    r"продаётся",
    r"satılıktır",
    r"ドメイン.{0,20}(?:販売|売)",
    r"域名.{0,10}出售",
)

LOGIN_PATH = re.compile(
    r"(?:^|[/_-])(?:log[-_]?in|sign[-_]?in|auth|sso|accounts?|session|register|sign[-_]?up)(?:[/_.-]|$)"
)

CODE_KEY = re.compile(
    r"error|errors|error_?code|error_?type|code|status|reason|type|message|msg|detail|title|require|result"
)

JSON_CODES = (
    (
        Outcome.CHALLENGE_PAGE,
        _any(
            r"captcha",
            r"challenge",
            r"checkpoint",
            r"bot[_ -]?detect",
            r"verify you are human",
            r"not a robot",
        ),
    ),
    (
        Outcome.LOGIN_WALL,
        _any(
            r"log[_ -]?in[_ -]?required",
            r"auth(?:entication)?[_ -]?required",
            r"unauthori[sz]ed",
            r"not[_ -]?logged[_ -]?in"
            r"|require_?login|please log ?in",
        ),
    ),
    (
        Outcome.RATE_LIMITED,
        _any(r"rate[_ -]?limit", r"too[_ -]?many[_ -]?requests", r"quota[_ -]?exceeded", r"throttl"),
    ),
)
