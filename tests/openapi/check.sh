#!/usr/bin/env bash
# Has other people's tools judge OpenAPI documents: Spectral, Redocly, openapi-typescript with tsc, and
# openapi-spec-validator. Each argument is a file or the address of a running server's document.
#
#   tests/openapi/check.sh http://127.0.0.1:8000/openapi.json
#   tests/openapi/check.sh a.json b.json
#
# The tools are installed once, in the versions below, into $OPENAPI_TOOLS (default: a folder in the user's cache).
# A tool that can't be had is skipped, and the last line says so. Exit 1 when a tool found something, 2 for misuse.
set -uo pipefail

SPECTRAL=6.16.3
REDOCLY=2.77.0
OPENAPI_TYPESCRIPT=7.13.0
TYPESCRIPT=5.9.3
SPEC_VALIDATOR=0.9.0

here=$(cd "$(dirname "$0")" && pwd)
tools=${OPENAPI_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/launchway/openapi-tools}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
skipped=()

if [ $# -eq 0 ]; then
    echo "usage: $0 FILE-OR-URL…" >&2
    exit 2
fi

installed="$SPECTRAL $REDOCLY $OPENAPI_TYPESCRIPT $TYPESCRIPT"
if command -v npm >/dev/null; then
    if [ "$(cat "$tools/npm.installed" 2>/dev/null)" != "$installed" ]; then
        mkdir -p "$tools"
        echo '{ "private": true }' >"$tools/package.json"
        npm install --prefix "$tools" --no-audit --no-fund --ignore-scripts --loglevel=error \
            "@stoplight/spectral-cli@$SPECTRAL" "@redocly/cli@$REDOCLY" \
            "openapi-typescript@$OPENAPI_TYPESCRIPT" "typescript@$TYPESCRIPT" >/dev/null &&
            echo "$installed" >"$tools/npm.installed"
    fi
    [ -f "$tools/npm.installed" ] || skipped+=("Spectral, Redocly and openapi-typescript: npm could not install them")
else
    skipped+=("Spectral, Redocly and openapi-typescript: npm is missing")
fi
if command -v python3 >/dev/null; then
    if [ "$(cat "$tools/python.installed" 2>/dev/null)" != "$SPEC_VALIDATOR" ]; then
        mkdir -p "$tools"
        python3 -m venv "$tools/python" &&
            "$tools/python/bin/pip" install --quiet "openapi-spec-validator==$SPEC_VALIDATOR" >/dev/null &&
            echo "$SPEC_VALIDATOR" >"$tools/python.installed"
    fi
    [ -f "$tools/python.installed" ] || skipped+=("openapi-spec-validator: pip could not install it")
else
    skipped+=("openapi-spec-validator: python3 is missing")
fi

# Runs one tool; shows what it says only when it complains.
judge() {
    local name=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        echo "  ok      $name"
    else
        echo "  FAILED  $name"
        sed 's/^/          /' "$work/said" | grep -v '[╔║╚]' | head -n 40
        failed=1
    fi
}

export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true NO_COLOR=1
bin=$tools/node_modules/.bin
for source in "$@"; do
    echo "$source"
    document=$work/openapi.json
    case $source in
    http://* | https://*) curl --fail --silent --show-error --output "$document" "$source" || { failed=1; continue; } ;;
    *) cp -- "$source" "$document" || { failed=1; continue; } ;;
    esac
    if [ -f "$tools/npm.installed" ]; then
        judge "spectral (spectral:oas)" "$bin/spectral" lint --fail-severity hint --ruleset "$here/spectral.yaml" "$document"
        judge "redocly (recommended-strict)" "$bin/redocly" lint --format stylish --config "$here/redocly.yaml" "$document"
        judge "openapi-typescript" "$bin/openapi-typescript" "$document" --output "$work/openapi.d.ts"
        judge "tsc" "$bin/tsc" --noEmit --strict --target es2022 --moduleResolution bundler --module es2022 "$work/openapi.d.ts"
    fi
    if [ -f "$tools/python.installed" ]; then
        judge "openapi-spec-validator" "$tools/python/bin/openapi-spec-validator" --schema 3.1 "$document"
    fi
done

for reason in "${skipped[@]:-}"; do
    [ -n "$reason" ] && echo "SKIPPED $reason"
done
exit $failed
