#!/bin/sh
# Check this evidence package with sha256sum and openssl alone.
#
#     sh verify.sh [FINGERPRINT] [--tsa-roots PEM]
#
# 0 nothing found wrong; 1 tampered, or sealed by another key; 2 files or tools are missing, or a wrong argument.
# FINGERPRINT is that of the signer's key, as the signer published it: 64 hexadecimal digits, with or
# without sha256: before them.
# PEM holds the roots of the timestamp authorities, from a place of your own trust; without it their
# answers are checked under the roots in the package alone, which whoever sealed it chose.
# Not looked at here: inner digests of WARC records, the links inside custody.jsonl (its last link and
# length are), the SHA-512 manifest's own lines, the draw of a sample, and captures that no timestamp
# binds. verify.py looks at these.
set -u
LC_ALL=C
export LC_ALL
changed=0
added=0
missing=0
stranger=
other_roots=

tampered() { echo "TAMPERED  $1"; changed=1; }
added() { echo "ADDED     $1"; added=1; }
other_key() { echo "OTHER KEY $1"; stranger=$1; }
absent() { echo "MISSING   $1"; missing=1; }
passed() { echo "passed    $1"; }
unchecked() { echo "unchecked $1"; }
sum() { sha256sum < "$1" | cut -c 1-64; }

usage() {
    echo "usage: sh verify.sh [FINGERPRINT] [--tsa-roots PEM]"
    echo "FINGERPRINT is 64 hexadecimal digits, with or without sha256: before them."
    exit 2
}
conclude() {
    if [ $changed -ne 0 ] || { [ $added -ne 0 ] && [ -n "$stranger$other_roots" ]; }; then
        echo "TAMPERED: this package is not as it was sealed."
    elif [ $added -ne 0 ] && [ $missing -eq 0 ]; then
        echo "TAMPERED: a file was added; the sealed files are unchanged."
    elif [ $added -ne 0 ]; then
        echo "TAMPERED: a file was added, and others are missing."
    elif [ $missing -ne 0 ]; then
        echo "INCOMPLETE: files or tools are missing, so not all could be checked."
    elif [ -n "$stranger" ]; then
        echo "OTHER KEY: whole, but $stranger."
    elif [ -n "$other_roots" ]; then
        echo "OTHER ROOTS: whole, but not timestamped under the roots that you gave."
    else
        echo "Nothing was found wrong. What was not checked is named above."
    fi
    [ $changed$added = 00 ] && [ -z "$stranger$other_roots" ] || exit 1
    [ $missing -eq 0 ] || exit 2
    exit 0
}

for tool in sha256sum find sort grep cut sed tail tr wc; do
    command -v "$tool" > /dev/null 2>&1 || { absent "the tool $tool"; conclude; }
done
named=0
expected=
roots=
while [ $# -gt 0 ]; do
    if [ "$1" = --tsa-roots ]; then
        [ $# -ge 2 ] && [ -f "$2" ] && [ -z "$roots" ] || usage
        case $2 in /*) roots=$2 ;; *) roots=$PWD/$2 ;; esac
        shift
    else
        [ $named -eq 0 ] || usage
        named=1
        expected=$(printf '%s' "$1" | tr 'A-F' 'a-f' | sed -e 's/^sha256://' -e 's/://g')
        case $expected in *[!0-9a-f]*) usage ;; esac
        [ ${#expected} -eq 64 ] || usage
    fi
    shift
done
cd "$(dirname "$0")" || exit 2

# 1. Every listed file, and no other file, is there, with its digest.
compare() { # manifest, files that are there
    before=$changed$missing
    before_added=$added
    listed=$(cut -c 67- "$1" | sort)
    [ -n "$listed" ] || tampered "$1 lists nothing"
    for side in listed there; do
        if [ "$side" = listed ]; then mine=$listed; other=$2; else mine=$2; other=$listed; fi
        extra=$(printf '%s\n' "$mine" | grep -Fvx -e "$other")
        [ -z "$extra" ] && continue
        if [ "$side" = listed ]; then absent "$extra"; else added "$extra"; fi
    done
    wrong=$(sha256sum -c "$1" 2> /dev/null | grep -v ': OK$' | grep -v ': FAILED open or read$')
    [ -z "$wrong" ] || tampered "$wrong"
    sha256sum --strict --status -c "$1" 2> /dev/null || [ "$before" != "$changed$missing" ] ||
        tampered "$1 cannot be read"
    [ "$before$before_added" != "$changed$missing$added" ] || passed "$1"
}
odd=$(find . ! -type f ! -type d)
[ -z "$odd" ] || tampered "links or special files: $odd"
there=$(find . -type f | sed 's|^\./||' | sort)
if [ -f manifest-sha256.txt ]; then
    compare manifest-sha256.txt "$(printf '%s\n' "$there" | grep '^data/')"
else
    absent manifest-sha256.txt
fi
if [ -f tagmanifest-sha256.txt ]; then
    compare tagmanifest-sha256.txt \
        "$(printf '%s\n' "$there" | grep -v -e '^data/' -e '^seal/' -e '^tagmanifest-sha256.txt$')"
else
    absent tagmanifest-sha256.txt
fi

# 2. The head says exactly what the files give, and seal/ holds nothing else.
for name in manifest-sha256.txt manifest-sha512.txt tagmanifest-sha256.txt data/custody.jsonl seal/head.json; do
    [ -f "$name" ] || { absent "$name"; conclude; }
done
none='none asked for'
sealed=seal/head.json
if grep -q '^ "signature": "Ed25519",$' seal/head.json; then
    sealed='seal/head.json
seal/head.json.sig
seal/signer.pub.pem'
    for name in seal/head.json.sig seal/signer.pub.pem; do [ -f "$name" ] || absent "$name"; done
    command -v openssl > /dev/null 2>&1 || { absent "the tool openssl"; conclude; }
    fingerprint=$(openssl pkey -pubin -in seal/signer.pub.pem -outform DER 2> /dev/null | sha256sum | cut -c 1-64)
    signature='"Ed25519"'
    signer=$(printf '{\n  "fingerprint": "sha256:%s",\n  "signer.pub.pem": "sha256:%s"\n }' \
        "$fingerprint" "$(sum seal/signer.pub.pem 2> /dev/null)")
else
    signature="\"$none\""
    signer=null
fi
if grep -q '^ "timestamp": {$' seal/head.json; then
    command -v openssl > /dev/null 2>&1 || { absent "the tool openssl"; conclude; }
    authorities=$(sed -n 's/^    "name": "\([a-z0-9][a-z0-9.-]*\)",$/\1/p' seal/head.json)
    [ -n "$authorities" ] || tampered "seal/head.json asks for a timestamp, and names no authority"
    schema=2
    [ -f seal/tsa-roots.pem ] || absent seal/tsa-roots.pem
    sealed="$sealed
seal/tsa-roots.pem
$(for name in $authorities; do printf 'seal/head.json.%s.tsq\nseal/head.json.%s.tsr\n' "$name" "$name"; done)"
    timestamp=$(sed -n '/^ "timestamp": {$/,$p' seal/head.json | sed 's/^ "timestamp": //' |
        sed "s/^  \"tsa-roots.pem\": .*/  \"tsa-roots.pem\": \"sha256:$(sum seal/tsa-roots.pem 2> /dev/null)\"/")
else
    authorities=
    schema=1
    timestamp=$(printf '"%s"\n}' "$none")
fi
extra=$(printf '%s\n' "$there" | grep '^seal/' | grep -Fvx -e "$sealed")
[ -z "$extra" ] || added "$extra"
head=$(printf '{\n "custody": {\n  "last": "sha256:%s",\n  "length": %d\n },\n' \
    "$(tail -n 1 data/custody.jsonl | sha256sum | cut -c 1-64)" "$(wc -l < data/custody.jsonl)"
    printf ' "manifests": {\n  "manifest-sha256.txt": "sha256:%s",\n' "$(sum manifest-sha256.txt)"
    printf '  "manifest-sha512.txt": "sha256:%s",\n' "$(sum manifest-sha512.txt)"
    printf '  "tagmanifest-sha256.txt": "sha256:%s"\n },\n "schema": %d,\n' \
        "$(sum tagmanifest-sha256.txt)" $schema
    printf ' "signature": %s,\n "signer": %s,\n "timestamp": %s' "$signature" "$signer" "$timestamp")
if [ "$(printf '%s\n' "$head" | sha256sum)" = "$(sha256sum < seal/head.json)" ]; then
    passed "seal/head.json"
elif [ $missing -eq 0 ]; then
    tampered "seal/head.json does not say what the files give"
fi

# 3. The signature, and whose it is.
if [ "$signer" = null ]; then
    unchecked "signature: nobody signed this package"
    [ $named -eq 0 ] || other_key "nobody signed this package, although you named a key"
elif [ -f seal/head.json.sig ] && [ -f seal/signer.pub.pem ]; then
    if openssl pkeyutl -verify -pubin -inkey seal/signer.pub.pem -rawin -in seal/head.json \
        -sigfile seal/head.json.sig > /dev/null 2>&1; then
        passed "signature by sha256:$fingerprint"
    else
        tampered "the signature is not of seal/head.json"
    fi
    if [ $named -eq 0 ]; then
        unchecked "signer identity: no fingerprint was given"
    elif [ "$expected" = "$fingerprint" ]; then
        passed "signer identity"
    else
        other_key "sealed by another key than the one you named"
    fi
fi

# 4. Timestamps (RFC 3161): of the head, and of lines of the custody log. A chain must hold as of the
# timestamp's own time, which the authority's certificate may have outlived since.
judge() { # query, answer, digest that it must bind, roots; says the time
    told=$(openssl ts -reply -in "$2" -text 2> /dev/null | sed -n 's/^Time stamp: \(.*\) GMT$/\1/p')
    at=$(date -u -d "$(printf '%s' "$told" | sed 's/\.[0-9]*//') UTC" +%s 2> /dev/null)
    [ -n "$told" ] && [ -n "$at" ] &&
        openssl ts -verify -queryfile "$1" -in "$2" -CAfile "$4" -attime "$at" > /dev/null 2>&1 &&
        openssl ts -verify -digest "$3" -in "$2" -CAfile "$4" -attime "$at" > /dev/null 2>&1
}
stamped() { # what, query, answer, digest, roots
    for name in "$2" "$3" "$5"; do [ -f "$name" ] || { absent "$name, of the timestamp of $1"; return; }; done
    stamps=$((stamps + 1))
    if ! judge "$2" "$3" "$4" "$5"; then
        tampered "the timestamp of $1 does not hold"
        return
    fi
    passed "$1 existed at $told GMT"
    openssl ts -verify -digest "$4" -in "$3" -CAfile "$5" > /dev/null 2>&1 ||
        echo "          (the authority's certificate no longer holds today)"
    [ -z "$roots" ] || judge "$2" "$3" "$4" "$roots" || other_roots="$other_roots $1"
}
object() { printf 'data/objects/%s/%s' "$(printf '%s' "$1" | cut -c 8-9)" "$(printf '%s' "$1" | cut -c 8-)"; }
stamps=0
lines=$(sed -n 's/^{"action":"timestamped".*"subject":"\([^"]*\)","time":"[^"]*"}$/\1/p' data/custody.jsonl |
    tr -cd '\012\040-\133\135-\176')
if [ -n "$authorities$lines" ]; then
    openssl ts -query -sha256 -digest "$(sum seal/head.json)" > /dev/null 2>&1 &&
        [ "$(date -u -d 'Nov  3 09:30:00 2026 UTC' +%s 2> /dev/null)" = 1793698200 ] ||
        { absent "an openssl with ts and GNU date, to check timestamps"; conclude; }
fi
for name in $authorities; do
    stamped "seal/head.json, by $name," "seal/head.json.$name.tsq" "seal/head.json.$name.tsr" \
        "$(sum seal/head.json)" seal/tsa-roots.pem
done
[ -n "$authorities" ] || unchecked "existence in time: no timestamp was asked for"
while read -r length head moment query answer pem url; do
    [ -n "$length" ] || continue
    case $length in *[!0-9]*) tampered "custody names a timestamp of line $length"; continue ;; esac
    digest=$(sed -n "${length}p" data/custody.jsonl | sha256sum | cut -c 1-64)
    [ "sha256:$digest" = "$head" ] || tampered "custody line $length is not the one that was timestamped"
    stamped "custody up to line $length, by $url ($moment)," "$(object "$query")" "$(object "$answer")" \
        "$digest" "$(object "$pem")"
done << EOF
$lines
EOF
if [ -n "$other_roots" ]; then
    echo "OTHER ROOTS do not hold:$other_roots"
elif [ $stamps -gt 0 ] && [ -n "$roots" ]; then
    passed "timestamp roots: all hold under the roots that you gave"
elif [ $stamps -gt 0 ]; then
    unchecked "timestamp roots: none were given, those in the package were used"
fi

conclude
