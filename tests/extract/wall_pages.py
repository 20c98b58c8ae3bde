"""Pages that keep their content from us, and ordinary pages that look like them; written for this "
"measurement.

No page holds a vendor's name, mark or address: shapes of several vendors and home-made ones are
reworded, in twelve languages. `WALLS` and `ORDINARY` are each cut in two by position: those at even
places were looked at while the rules were written, those at odd places were held out.
"""

from __future__ import annotations

from dataclasses import dataclass

from clonedetect.models.capture import Outcome

HOST = "lumiview.example"
ASKED = f"https://{HOST}/profile/lena.fischt"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer: `outcome` is what it is (None: an ordinary page), `final_url` the address that gave it."""

    name: str
    outcome: Outcome | None
    body: str
    status: int = 200
    url: str = ASKED
    final_url: str = ""
    content_type: str = HTML


def doc(lang: str, title: str, body: str, head: str = "") -> str:
    top = f"<title>{title}</title>{head}"
    return f'<!doctype html><html lang="{lang}"><head>{top}</head><body>{body}</body></html>'


CHALLENGE, LOGIN, SOFT = Outcome.CHALLENGE_PAGE, Outcome.LOGIN_WALL, Outcome.SOFT_404
PARKED, LIMITED = Outcome.PARKED, Outcome.RATE_LIMITED
SHELL, AWAY = Outcome.NEEDS_RENDERING, Outcome.REDIRECTED_AWAY

WALLS = (
    Shown(
        "spinner and posted token, pl",
        CHALLENGE,
        doc(
            "pl",
            HOST,
            "<div class=spin></div><h2>Sprawdzamy połączenie</h2>"
            "<noscript>Włącz obsługę skryptów i ciasteczek, aby kontynuować.</noscript>"
            "<form id=k method=post><input type=hidden name=t value=9f3e></form>"
            "<script>setTimeout(function(){document.forms[0].submit()},4000)</script>",
        ),
        403,
    ),
    Shown(
        "silent cookie and reload",
        CHALLENGE,
        "<html><body><script>function h(a){return a*7+3}"
        "document.cookie='v='+h(881)+';path=/';location.reload();</script></body></html>",
    ),
    Shown(
        "cookie by index and a new place, no words",
        CHALLENGE,
        "<html><head></head><body><script>"
        "var d=document,w=window;d['cookie']='_v='+(17*31)+'; "
        "path=/';w['location']['href']=w['location']['href'];"
        "</script></body></html>",
    ),
    Shown(
        "work for a worker, it",
        CHALLENGE,
        doc(
            "it",
            "Un attimo",
            "<h1>Controlliamo il tuo browser</h1><p>Non chiudere questa "
            "finestra.</p><script>const w=new "
            "Worker('/w.js');w.onmessage=e=>{fetch('/ok',{method:'POST',body:e.data})"
            ".then(()=>location.reload())}</script>",
        ),
    ),
    Shown(
        "home-made picture code, ko",
        CHALLENGE,
        doc(
            "ko",
            "확인",
            "<p>그림의 글자를 입력하세요.</p><form method=post action=/c>"
            "<img src='/code.php?81' width=140 height=50><input name=c "
            "maxlength=6><button>확인</button></form>",
        ),
    ),
    Shown(
        "home-made picture code, ru",
        CHALLENGE,
        doc(
            "ru",
            "Ещё один шаг",
            "<form method=post><p>Введите символы с картинки</p>"
            "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"
            "<input name=q maxlength=5 autocomplete=off><input type=submit value=Дальше></form>",
        ),
        200,
    ),
    Shown(
        "framed puzzle, tr",
        CHALLENGE,
        doc(
            "tr",
            HOST,
            "<h3>Robot olmadığınızı gösterin</h3><form method=post>"
            "<div data-key='6Lc0aTkUAAAAAK3j9r0mQm1x7e2f'></div><iframe "
            "src='https://puzzle.example/widget?k=6Lc0aTkUAAAAAK3j9r0m'>"
            "</iframe><button>Devam</button></form>",
        ),
        403,
    ),
    Shown(
        "slider, zh",
        CHALLENGE,
        doc(
            "zh",
            "访问验证",
            "<p>请按住滑块，拖动到最右边</p><div id=nc></div>"
            "<script src=/x/s.js></script>"
            "<script>init({token:'a8f5f167f44f4964e6c998dee827110c',cb:function(){location.reload()}})</script>",
        ),
        405,
    ),
    Shown(
        "waiting room, fr",
        CHALLENGE,
        doc(
            "fr",
            "File d'attente",
            "<h1>Merci de patienter</h1><p>Votre tour arrive dans quelques minutes.</p>",
            "<meta http-equiv=refresh content=20>",
        ),
        503,
    ),
    Shown(
        "button to hold, en",
        CHALLENGE,
        doc(
            "en",
            HOST,
            "<h2>Hold on, we want to be sure</h2><p>Keep the button pressed until it "
            "turns green.</p><div id=px data-uuid='c0a8f5f1-67f4-4f49-64e6-c998dee82711'></div><script "
            "src=/p/main.js></script>"
            "<noscript>This needs JavaScript to be enabled.</noscript>",
        ),
        403,
    ),
    Shown(
        "script alone that posts, es",
        CHALLENGE,
        doc(
            "es",
            "Comprobación",
            "<noscript>Activa JavaScript y las cookies para seguir."
            "</noscript><script>fetch('/verify',{method:'POST',body:String(screen.width)}).then(function(){location.replace(location.href)})"
            "</script>",
        ),
        403,
    ),
    Shown(
        "hidden form sent on load, ar",
        CHALLENGE,
        doc(
            "ar",
            "لحظة من فضلك",
            "<form method=post id=f><input type=hidden name=a value=1>"
            "</form><script>document.getElementById('f').submit()</script>",
        ),
    ),
    Shown(
        "code as JSON",
        CHALLENGE,
        '{"error": {"code": "captcha_required", "message": "please solve"}}',
        422,
        content_type="application/json",
    ),
    Shown(
        "checkpoint as JSON",
        CHALLENGE,
        '{"status": "fail", "message": "challenge_required", "lock": true}',
        403,
        content_type="application/json",
    ),
    Shown(
        "password form, es",
        LOGIN,
        doc(
            "es",
            "Entrar",
            "<h1>Entra en tu cuenta</h1><form><input name=u><input type=password name=p>"
            "<button>Entrar</button></form>",
        ),
    ),
    Shown(
        "telephone and code, id",
        LOGIN,
        doc(
            "id",
            "Masuk",
            "<h1>Masuk dulu ya</h1><form><input type=tel autocomplete=tel name=hp>"
            "<button>Kirim kode</button></form>",
        ),
        final_url=f"https://{HOST}/masuk?next=%2Fprofile%2Flena.fischt",
    ),
    Shown(
        "name first, then the rest, de",
        LOGIN,
        doc(
            "de",
            "Anmelden",
            "<h1>Willkommen zurück</h1><form><input type=email "
            "autocomplete=username><button>Weiter</button></form>",
        ),
        final_url=f"https://{HOST}/anmelden?ziel=/profile/lena.fischt",
    ),
    Shown(
        "buttons of other houses, vi",
        LOGIN,
        doc(
            "vi",
            "Đăng nhập",
            "<h1>Đăng nhập để xem</h1><a href='/oauth/a?next=/profile/lena.fischt'>"
            "Tiếp tục với A</a><a href='/oauth/b'>Tiếp tục với B</a>",
        ),
        final_url=f"https://{HOST}/dang-nhap?tiep=%2Fprofile%2Flena.fischt",
    ),
    Shown(
        "password form after a redirect, fr",
        LOGIN,
        doc(
            "fr",
            "Connexion",
            "<p>"
            + "Pour voir les photos, il faut un compte. " * 22
            + "</p><form><input name=m><input type=password name=s></form>",
        ),
        final_url=f"https://{HOST}/connexion?retour=%2Fprofile%2Flena.fischt",
    ),
    Shown(
        "password form over nothing, ja",
        LOGIN,
        doc(
            "ja",
            "ログイン",
            "<div class=blur></div><div role=dialog><form><input name=a>"
            "<input type=password><button>ログイン</button></form></div>",
        ),
    ),
    Shown(
        "login as JSON",
        LOGIN,
        '{"message": "login_required", "logout_reason": 3}',
        403,
        content_type="application/json",
    ),
    Shown(
        "not allowed as JSON",
        LOGIN,
        '{"errors": "x", "code": "AUTHENTICATION_REQUIRED"}',
        content_type="application/json",
    ),
    Shown(
        "account gone, es",
        SOFT,
        doc(
            "es",
            HOST,
            "<nav><a href=/>Inicio</a></nav><h2>Esta cuenta no existe</h2><p>Quizá cambió de nombre.</p>",
        ),
    ),
    Shown(
        "profile not found, pl",
        SOFT,
        doc("pl", HOST, "<h1>Nie znaleziono profilu</h1><a href=/>Strona główna</a>"),
    ),
    Shown("no such user, it", SOFT, doc("it", HOST, "<h1>Utente inesistente</h1><p>Controlla il nome.</p>")),
    Shown("user has gone, zh", SOFT, doc("zh", HOST, "<h1>该用户不存在</h1><a href=/>返回首页</a>")),
    Shown(
        "page not there, ja",
        SOFT,
        doc("ja", "ページが見つかりません", "<p>お探しのページは移動または削除された可能性があります。</p>"),
    ),
    Shown(
        "reworded, en",
        SOFT,
        doc("en", HOST, "<h1>Nobody by that name lives here</h1><p>They may have moved out.</p>"),
    ),
    Shown(
        "post removed, de", SOFT, doc("de", "Beitrag nicht gefunden", "<p>Der Beitrag wurde entfernt.</p>")
    ),
    Shown(
        "account not available, en",
        SOFT,
        doc("en", "Viewer", "<h1>Sorry, this page isn't available.</h1><p>The link may be broken.</p>"),
    ),
    Shown(
        "for sale, nl",
        PARKED,
        doc(
            "nl",
            HOST,
            f"<h1>{HOST}</h1><p>Deze domeinnaam is te koop. Doe een bod.</p><form><input type=email></form>",
        ),
    ),
    Shown(
        "for sale, pl", PARKED, doc("pl", f"{HOST} - domena na sprzedaż", f"<h1>{HOST}</h1><p>Kup teraz.</p>")
    ),
    Shown(
        "for sale, de",
        PARKED,
        doc(
            "de",
            HOST,
            f"<h1>Die Domain {HOST} steht zum Verkauf</h1><a href='https://market.example/x'>Angebot</a>",
        ),
    ),
    Shown(
        "searches of its own",
        PARKED,
        doc(
            "en",
            HOST,
            f"<h1>{HOST}</h1><h3>Related searches</h3>"
            + "".join(f"<a href='/?q={n}&sid=77'>Topic {n}</a>" for n in range(9))
            + "<script src=/caf.js></script>",
        ),
    ),
    Shown(
        "sponsored feed, es",
        PARKED,
        doc(
            "es",
            HOST,
            "".join(
                f"<a rel='sponsored nofollow' href='https://ad{n}.example/c'>Oferta {n}</a>" for n in range(8)
            ),
        ),
    ),
    Shown(
        "expired, en",
        PARKED,
        doc("en", HOST, f"<p>The domain {HOST} has expired. Is this your domain? Renew it now.</p>"),
    ),
    Shown(
        "too many, status 429, pt",
        LIMITED,
        doc("pt", "Calma", "<p>Muitas requisições, tente mais tarde.</p>"),
        429,
    ),
    Shown(
        "too many, status 200, en",
        LIMITED,
        doc("en", "Too many requests", "<h1>Too many requests</h1><p>Try again in a minute.</p>"),
    ),
    Shown(
        "too many, status 200, de",
        LIMITED,
        doc("de", HOST, "<h1>Zu viele Anfragen</h1><p>Bitte später noch einmal.</p>"),
    ),
    Shown("too many as JSON", LIMITED, '{"error": "rate_limit_exceeded"}', content_type="application/json"),
    Shown(
        "shell with a root",
        SHELL,
        doc("en", "Viewer", "<div id=app></div><script type=module src=/assets/i.js></script>"),
    ),
    Shown(
        "shell without a name, pt",
        SHELL,
        doc(
            "pt",
            "Visor",
            "<main data-v-app></main><noscript>Este site precisa de scripts.</noscript>"
            "<script src=/b.js></script>",
        ),
    ),
    Shown(
        "shell with a menu, en",
        SHELL,
        doc(
            "en",
            "Viewer",
            "<header><a href=/>Viewer</a><a href=/about>About</a></header><div id=stage></div>"
            "<script defer src=/r.js></script><script defer src=/v.js></script>",
        ),
    ),
    Shown(
        "shell with a spinner, ko",
        SHELL,
        doc(
            "ko",
            "뷰어",
            "<div id=root><div class=spinner>불러오는 중…</div></div><script src=/m.js></script>",
        ),
    ),
    Shown(
        "refresh to another site",
        AWAY,
        doc("en", HOST, "", "<meta http-equiv=refresh content='0; url=https://casino.example/go'>"),
    ),
    Shown(
        "script to another site",
        AWAY,
        "<html><script>window.location.href='https://casino.example/go?x=1';</script></html>",
    ),
    Shown(
        "script to another site, in words, fr",
        AWAY,
        doc(
            "fr",
            "Redirection",
            "<p>Vous allez être redirigé.</p>"
            "<script>setTimeout(function(){top.location.replace('https://jeux.example/')},1500)</script>",
        ),
    ),
    Shown(
        "refresh to another site, in words, tr",
        AWAY,
        doc(
            "tr",
            "Taşındık",
            "<p>Yeni adresimiz: <a href='https://yeni.example/'>yeni.example</a></p>",
            "<meta http-equiv=refresh content=\"3;URL='https://yeni.example/'\">",
        ),
    ),
)

POEM_FR = "La barque est vide,<br>la mer la remplit.<br>Personne n'appelle."
POEM_JA = "古池や<br>蛙飛び込む<br>水の音"
LONG = "The boats come back in the evening, and nobody on the quay asks what they have brought. " * 9

ORDINARY = (
    Shown(
        "post about captchas, en",
        None,
        doc(
            "en",
            "Why I am not a robot: captchas, a love story",
            f"<article><h1>Are you human? A short history of the captcha</h1><p>{LONG}</p><img "
            f"src=/c.png><p>Click every bus.</p></article>",
        ),
    ),
    Shown(
        "login form on a content page, de",
        None,
        doc(
            "de",
            "Hafenblick",
            f"<form><input name=u><input type=password></form><p>{LONG}</p>"
            + "".join(f"<img src=/{n}.jpg>" for n in range(5)),
        ),
    ),
    Shown(
        "a song called 404, en",
        None,
        doc(
            "en",
            "404 Not Found - Song by The Herons",
            "<h1>404 Not Found</h1><p>The Herons, 2019</p><img src=/cover.jpg>"
            "<p>I went to the page where your picture had been, and the server said it had never seen "
            "you. I typed in your name with the letters "
            "we knew, and the cursor blinked slowly as cursors will do.</p>",
        ),
    ),
    Shown(
        "user not found, a lyric, en",
        None,
        doc(
            "en",
            "Lyrics",
            "<h1>User Not Found, by Quay Lights</h1><img src=/x.jpg><p>You changed your "
            "name and your hair and your street, and I still walk by where we used to meet.</p>",
        ),
    ),
    Shown(
        "market of domains, nl",
        None,
        doc(
            "nl",
            "De markt voor domeinnamen",
            f"<h1>Waarom een domeinnaam te koop staat</h1><p>{LONG}{LONG}{LONG}{LONG}</p>",
        ),
    ),
    Shown(
        "market of domains, a short note, en",
        None,
        doc(
            "en",
            "Notes on selling names",
            "<h1>How I sold a name</h1><p>The domain was for sale for "
            "six years before anybody wrote. I had priced it like a boat, and it went for the price of a "
            "bicycle. What I learned: answer every mail, "
            "never name the first figure, and do not fall in love with a word.</p><a href=/>Home</a>",
        ),
    ),
    Shown("poem, fr", None, doc("fr", "Barque", f"<p>{POEM_FR}</p>")),
    Shown("poem, ja", None, doc("ja", "俳句", f"<p>{POEM_JA}</p>")),
    Shown("one picture", None, doc("en", "Evening", "<img src=/evening.jpg>")),
    Shown(
        "one picture and a script",
        None,
        doc("en", "Evening", "<img src=/evening.jpg><script src=/stat.js></script>"),
    ),
    Shown(
        "one picture, lazy",
        None,
        doc(
            "en",
            "Evening",
            "<img data-src=/evening.jpg src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"
            "<script src=/lazy.js></script>",
        ),
    ),
    Shown(
        "contact form with a widget, es",
        None,
        doc(
            "es",
            "Contacto",
            "<h1>Escríbenos</h1><form method=post><input name=n><textarea name=m></textarea>"
            "<div class=box data-sitekey=6Lc0aTkUAAAAAK3j9r0mQm1x></div><button>Enviar</button></form>"
            "<script src=/api.js></script>",
        ),
    ),
    Shown(
        "comments with a widget, pt",
        None,
        doc(
            "pt",
            "Foto do dia",
            "<h1>Foto do dia</h1><img src=/d.jpg><p>Bom dia a todos, que luz!</p><form>"
            "<textarea name=c></textarea><div "
            "data-sitekey=6Lc0aTkUAAAAAK3j9r0mQm1x></div><button>Comentar</button></form>",
        ),
    ),
    Shown(
        "question of language that reloads",
        None,
        doc(
            "en",
            "Harbour",
            "<p>Choose: <a href='?l=en'>English</a> <a href='?l=fi'>Suomi</a></p>"
            "<script>function pick(l){document.cookie='l='+l;location.reload()}</script><p>Ferries leave "
            "every hour from the old pier.</p>",
        ),
    ),
    Shown(
        "consent that sets a cookie, it",
        None,
        doc(
            "it",
            "Porto",
            "<div id=c>Usiamo i cookie.<button onclick=ok()>Va bene</button></div>"
            "<p>I traghetti partono ogni ora dal molo vecchio, tutto l'anno.</p><script>function "
            "ok(){document.cookie='c=1';location.reload()}</script>",
        ),
    ),
    Shown(
        "ticker that refreshes, en",
        None,
        doc(
            "en",
            "Tide table",
            "<h1>Tide now</h1><p>2.41 m, falling. Next low water 18:42.</p>",
            "<meta http-equiv=refresh content=60>",
        ),
    ),
    Shown(
        "ticker that refreshes, ru",
        None,
        doc(
            "ru",
            "Погода",
            "<h1>Погода в порту</h1><p>+4, ветер северный, волна полметра.</p>",
            "<meta http-equiv=refresh content=300>",
        ),
    ),
    Shown(
        "profile without posts, en",
        None,
        doc(
            "en",
            "lena.fischt",
            "<h1>lena.fischt</h1><img src=/a.jpg width=150 height=150><p>12 followers</p><p>No posts "
            "yet.</p>",
        ),
    ),
    Shown(
        "search without results, tr",
        None,
        doc(
            "tr",
            "Arama",
            '<form><input name=q value=liman><button>Ara</button></form><p>"liman" için 0 sonuç</p>',
        ),
    ),
    Shown(
        "house for sale, fr",
        None,
        doc(
            "fr",
            "Maison à vendre",
            "<h1>Cette maison est à vendre</h1><p>Trois pièces, vue sur le port, 120 000 €.</p><img "
            "src=/m.jpg>",
        ),
    ),
    Shown(
        "boat for sale, ru",
        None,
        doc("ru", "Лодка", "<h1>Продаётся лодка</h1><p>Деревянная, с мотором, хорошая. Звоните вечером.</p>"),
    ),
    Shown(
        "verification of a method, en",
        None,
        doc(
            "en",
            "Verification of tide models",
            "<h1>Verification</h1><p>We compare the model with eleven gauges. "
            "The mean error is four centimetres, and the largest stands in the narrow fjords.</p>",
        ),
    ),
    Shown(
        "one moment, a column, es",
        None,
        doc(
            "es",
            "Un momento",
            "<h1>Un momento</h1><p>La columna de los domingos. Hoy: por qué el puerto huele a "
            "naranjas en enero, y quién se las come.</p>",
        ),
    ),
    Shown(
        "refused with content",
        None,
        doc(
            "en",
            "Gallery",
            "<h1>Gallery</h1>" + "".join(f"<img src=/{n}.jpg alt='Boat {n}'>" for n in range(6)),
        ),
        403,
    ),
    Shown(
        "links of a directory, some sponsored",
        None,
        doc(
            "en",
            "Harbour links",
            f"<p>{LONG}{LONG}</p>"
            + "".join(
                f"<a {'rel=sponsored' if n % 2 else ''} href='https://h{n}.example/'>Harbour {n}</a>"
                for n in range(10)
            ),
        ),
    ),
    Shown(
        "we have moved, with the pictures",
        None,
        doc(
            "en",
            "We have moved",
            "<p>Our new place is <a href='https://new.example/'>here</a>.</p>"
            + "".join(f"<img src=/{n}.jpg>" for n in range(4)),
            "<meta http-equiv=refresh content='30;url=https://new.example/'>",
        ),
    ),
    Shown(
        "script that counts outbound links",
        None,
        doc(
            "en",
            "Lighthouse",
            "<h1>Lighthouse</h1><p>Built in 1871, dark since 1998, painted every summer by "
            "the same two sisters, who have never once agreed on the red.</p><script>function "
            "out(u){location.href=u}</script>",
        ),
    ),
    Shown(
        "newsletter with a hidden form, pl",
        None,
        doc(
            "pl",
            "Latarnia",
            "<h1>Latarnia morska</h1><p>Zbudowana w 1871 roku, co lato malowana przez te same "
            "dwie siostry, które nigdy nie zgodziły się co do czerwieni.</p><form method=post><input "
            "type=hidden name=t value=1></form>",
        ),
    ),
    Shown(
        "account settings explained, ko",
        None,
        doc(
            "ko",
            "로그인 안내",
            f"<h1>로그인이 안 될 때</h1><p>{'비밀번호를 다시 설정하면 됩니다. ' * 40}</p>",
        ),
    ),
    Shown(
        "page that could not be found by sailors, en",
        None,
        doc(
            "en",
            "The island that could not be found",
            "<h1>The island that could not be found</h1><p>It stood on every map for two hundred years, "
            "and eleven ships were sent to look for it. "
            "The twelfth came back with a stone.</p>",
        ),
    ),
    Shown(
        "too many requests of a friend, en",
        None,
        doc("en", "Too many requests", "<h1>Too many requests</h1><img src=/t.jpg><p>" + LONG + "</p>"),
    ),
    Shown(
        "human rights, with a counter and a hint",
        None,
        doc(
            "en",
            "Human rights at sea",
            f"<article><h1>Human rights at sea</h1><p>{LONG}</p></article>"
            "<noscript>Please enable JavaScript for the counter.</noscript><script>document.cookie='v=1';"
            "function out(u){location.href=u}fetch('/count',{method:'POST'});"
            "var k='a8f5f167f44f4964e6c998dee827110c';</script>",
        ),
    ),
    Shown(
        "a moment, with a counter",
        None,
        doc(
            "en",
            "One moment in the harbour",
            "<h1>One moment in the harbour</h1><p>At six the lamps go out along the quay, one by one, "
            "and for a moment there is neither night nor morning. The baker says that this is when the boats "
            "decide whether they will leave. I have never seen one decide against it, but I have seen them "
            "wait, all eleven, with their bows to the wind, until the first gull had made up its mind too. "
            "Then the engines start, and it is Tuesday.</p><script>document.cookie='v=1';"
            "function out(u){location.href=u}fetch('/count',{method:'POST',body:'1'});"
            "var k='a8f5f167f44f4964e6c998dee827110c';</script>",
        ),
    ),
    Shown(
        "JSON feed of captchas",
        None,
        '{"title": "captcha", "items": [{"caption": "challenge accepted", "image": "/1.jpg"}]}',
        content_type="application/json",
    ),
    Shown(
        "JSON note",
        None,
        '{"message": "ok", "result": "login page redesigned", "code": "200"}',
        content_type="application/json",
    ),
    Shown("empty list as JSON", None, '{"items": [], "has_next": false}', content_type="application/json"),
)
