#!/bin/sh
# Check this evidence package with sha256sum and openssl alone.
#
#     sh verify.sh [FINGERPRINT]
#
# 0 nothing found wrong; 1 tampered, or sealed by another key; 2 files or tools are missing, or a wrong argument.
# FINGERPRINT is that of the signer's key, as the signer published it: 64 hexadecimal digits, with or
# without sha256: before them.
# Not looked at here: inner digests of WARC records, the links inside custody.jsonl (its last link and
# length are), the SHA-512 manifest's own lines, and the draw of a sample. verify.py looks at these.
set -u
LC_ALL=C
export LC_ALL
changed=0
added=0
missing=0
stranger=

tampered() { echo "TAMPERED  $1"; changed=1; }
added() { echo "ADDED     $1"; added=1; }
other_key() { echo "OTHER KEY $1"; stranger=$1; }
absent() { echo "MISSING   $1"; missing=1; }
passed() { echo "passed    $1"; }
unchecked() { echo "unchecked $1"; }
sum() { sha256sum < "$1" | cut -c 1-64; }

usage() {
    echo "usage: sh verify.sh [FINGERPRINT]"
    echo "FINGERPRINT is 64 hexadecimal digits, with or without sha256: before them."
    exit 2
}
conclude() {
    if [ $changed -ne 0 ] || { [ $added -ne 0 ] && [ -n "$stranger" ]; }; then
        echo "TAMPERED: this package is not as it was sealed."
    elif [ $added -ne 0 ] && [ $missing -eq 0 ]; then
        echo "TAMPERED: a file was added; the sealed files are unchanged."
    elif [ $added -ne 0 ]; then
        echo "TAMPERED: a file was added, and others are missing."
    elif [ $missing -ne 0 ]; then
        echo "INCOMPLETE: files or tools are missing, so not all could be checked."
    elif [ -n "$stranger" ]; then
        echo "OTHER KEY: whole, but $stranger."
    else
        echo "Nothing was found wrong. What was not checked is named above."
    fi
    [ $changed$added = 00 ] && [ -z "$stranger" ] || exit 1
    [ $missing -eq 0 ] || exit 2
    exit 0
}

for tool in sha256sum find sort grep cut sed tail tr wc; do
    command -v "$tool" > /dev/null 2>&1 || { absent "the tool $tool"; conclude; }
done
[ $# -le 1 ] || usage
expected=$(printf '%s' "${1:-}" | tr 'A-F' 'a-f' | sed -e 's/^sha256://' -e 's/://g')
if [ $# -eq 1 ]; then
    case $expected in *[!0-9a-f]*) usage ;; esac
    [ ${#expected} -eq 64 ] || usage
fi
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
extra=$(printf '%s\n' "$there" | grep '^seal/' | grep -Fvx -e "$sealed")
[ -z "$extra" ] || added "$extra"
head=$(printf '{\n "custody": {\n  "last": "sha256:%s",\n  "length": %d\n },\n' \
    "$(tail -n 1 data/custody.jsonl | sha256sum | cut -c 1-64)" "$(wc -l < data/custody.jsonl)"
    printf ' "manifests": {\n  "manifest-sha256.txt": "sha256:%s",\n' "$(sum manifest-sha256.txt)"
    printf '  "manifest-sha512.txt": "sha256:%s",\n' "$(sum manifest-sha512.txt)"
    printf '  "tagmanifest-sha256.txt": "sha256:%s"\n },\n "schema": 1,\n' "$(sum tagmanifest-sha256.txt)"
    printf ' "signature": %s,\n "signer": %s,\n "timestamp": "%s"\n}' "$signature" "$signer" "$none")
if [ "$(printf '%s\n' "$head" | sha256sum)" = "$(sha256sum < seal/head.json)" ]; then
    passed "seal/head.json"
elif [ $missing -eq 0 ]; then
    tampered "seal/head.json does not say what the files give"
fi

# 3. The signature, and whose it is.
if [ "$signer" = null ]; then
    unchecked "signature: nobody signed this package"
    [ $# -eq 0 ] || other_key "nobody signed this package, although you named a key"
elif [ -f seal/head.json.sig ] && [ -f seal/signer.pub.pem ]; then
    if openssl pkeyutl -verify -pubin -inkey seal/signer.pub.pem -rawin -in seal/head.json \
        -sigfile seal/head.json.sig > /dev/null 2>&1; then
        passed "signature by sha256:$fingerprint"
    else
        tampered "the signature is not of seal/head.json"
    fi
    if [ $# -eq 0 ]; then
        unchecked "signer identity: no fingerprint was given"
    elif [ "$expected" = "$fingerprint" ]; then
        passed "signer identity"
    else
        other_key "sealed by another key than the one you named"
    fi
fi
unchecked "existence in time: no timestamp was asked for"

conclude
