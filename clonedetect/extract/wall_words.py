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
    "DOOR",
    "FOR_SALE",
    "GOES_ON",
    "JSON_CODES",
    "KEY",
    "LOGIN_PATH",
    "NEEDS_SCRIPT",
    "NOT_FOUND",
    "RELOAD",
    "SENDS",
    "SENDS_TO",
    "TOKEN",
    "TOO_MANY",
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
COOKIE_SET = re.compile(r"(?:\.cookie|\[\s*['\"]cookie['\"]\s*\])\s*=(?!=)")
RELOAD = re.compile(
    r"location\.(?:reload|replace|assign)\s*\(|\.submit\s*\(\s*\)"
    # To itself, or to a place of its own; a variable may lead anywhere, as a counter of clicks does.
    r"|location(?:\.href)?\s*=\s*(?:(?:window\.|document\.|self\.)?location\b|['\"`][/?])"
    r"|\[\s*['\"]location['\"]\s*\](?:\.href|\[\s*['\"]\w+['\"]\s*\])?\s*[=(]"
)
SENDS = re.compile(r"\bfetch\s*\([^;]{0,200}POST|\.open\s*\(\s*['\"]POST|\bsendBeacon\s*\(", re.IGNORECASE)
TOKEN = re.compile(r"['\"][A-Za-z0-9+/_=-]{24,}['\"]")
KEY = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_-]{20,}")
SENDS_TO = re.compile(
    r"\blocation(?:\.href)?(?:\s*=\s*|\.(?:replace|assign)\s*\(\s*)['\"](?P<target>(?:https?:)?//[^'\"\s]+)['\"]"
)
DOOR = re.compile(r"(?:^|/)(?:oauth2?|sso|openid|saml2?|auth)(?:[/.]|$)", re.IGNORECASE)
"""Paths of buttons that lead through another house's account."""

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
    r"attimo",
    r"einen moment",
    r"patienter",
    r"attendere",
    r"chwil[aęi]",
    r"ett ögonblick",
    r"een ogenblik",
    r"comprobaci[oó]n",
    r"vérification",
    r"überprüf",
    r"ещё один шаг",
    r"bekleyin",
    r"验证",
    r"확인",
    r"確認",
    r"تحقق",
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
    r"nie (?:znaleziono|istnieje)",
    r"niet gevonden",
    r"bestaat niet",
    r"hittade(?:s)? inte",
    r"finns inte",
    r"nenalezen[aoy]?",
    r"inesistente",
    r"non esiste",
    r"(?:no|ya no) est[áa] disponible",
    r"n.est (?:pas|plus) disponible",
    r"nicht (?:mehr )?verf[üu]gbar",
    r"не доступ|недоступ",
    r"已注销",
    r"उपलब्ध नहीं",
    r"नहीं मिला",
    r"nem található",
    r"δεν βρέθηκε",
)

GOES_ON = re.compile(r"\W*\s*[,\u2013\u2014-]\s*\w{2}")
"""What follows a message in its heading, where it is a name: ``User Not Found, by ...``."""

TOO_MANY = _any(
    r"too many requests",
    r"rate limit(?:ed)? (?:exceeded|reached)",
    r"slow down",
    r"zu viele anfragen",
    r"trop de requ[êe]tes",
    r"demasiadas (?:solicitudes|peticiones)",
    r"muitas (?:requisi[çc][õo]es|solicita[çc][õo]es)",
    r"troppe richieste",
    r"te veel verzoeken",
    r"zbyt wiele (?:żądań|zapytań)",
    r"слишком много запросов",
    r"çok fazla istek",
    r"请求过多|请求过于频繁",
    r"リクエストが多すぎ",
    r"요청이 너무 많",
    r"terlalu banyak permintaan",
)

FOR_SALE = _any(
    r"\b(?:is|may be|could be) for sale\b",
    r"\bdomain\b[^.]{0,40}\bfor sale\b",
    r"\b(?:buy|purchase|acquire) this domain",
    r"\b(?:domain|website) (?:is|has been) (?:parked|registered|expired)",
    r"\bparked (?:free|domain|page)",
    r"\bdomain (?:name )?(?:has )?expired",
    r"\bdomain [\w.-]{3,80} has expired",
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
    r"\b(?:is )?te koop\b",
    r"na sprzeda[żz]",
    r"är till salu",
    r"[èe] in vendita",
    r"na prodej",
    r"for salg",
    r"도메인.{0,20}판매",
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
