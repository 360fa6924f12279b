#!/usr/bin/env bash
# From a bare Debian 12 / Ubuntu 24.04 with Python >= 3.11 to a running DepthStudio.
#
#   bash resources/bootstrap.sh          install what is missing, open the window
#   bash resources/bootstrap.sh demo     ... and run the guided demonstration
#   bash resources/bootstrap.sh test     ... and run the tests
#   bash resources/bootstrap.sh install  ... and nothing more
#   bash resources/bootstrap.sh WORD...  ... and run `depthstudio WORD...`
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Shared library : Debian package that brings it.
LIBRARIES="
libusb-1.0.so.0:libusb-1.0-0
libgthread-2.0.so.0:libglib2.0-0
libGL.so.1:libgl1
libEGL.so.1:libegl1
libxkbcommon.so.0:libxkbcommon0
libdbus-1.so.3:libdbus-1-3
libfontconfig.so.1:libfontconfig1
libxcb-cursor.so.0:libxcb-cursor0
libxkbcommon-x11.so.0:libxkbcommon-x11-0
libxcb-icccm.so.4:libxcb-icccm4
libxcb-keysyms.so.1:libxcb-keysyms1
libxcb-shape.so.0:libxcb-shape0
"

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf 'bootstrap: %s\n' "$*" >&2; exit 1; }

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
        [ -n "$candidate" ] && command -v "$candidate" >/dev/null || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed. Install it (apt-get install python3) or name it: PYTHON=/path/to/python3 bash $0"
}

missing_packages() {
    local known entry
    known=$(/sbin/ldconfig -p)
    for entry in $LIBRARIES; do
        grep -qF "${entry%%:*}" <<<"$known" || echo "${entry#*:}"
    done
    # Debian ships venv apart from python3; a python from elsewhere has it.
    "$python" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    # The tests open a real window on a virtual screen; xvfb-run needs xauth, which xvfb only recommends.
    if [ "$verb" = test ]; then
        command -v Xvfb >/dev/null || echo xvfb
        command -v xauth >/dev/null || echo xauth
        # OpenGL without a graphics card, for the point cloud on the virtual screen.
        ls /usr/lib/*/dri/swrast_dri.so >/dev/null 2>&1 || echo libgl1-mesa-dri
    fi
}

install_system_packages() {
    local packages as_root=()
    packages=$(missing_packages | tr '\n' ' ')
    [ -n "$packages" ] || return 0
    command -v apt-get >/dev/null || fail "these system packages are missing, install them with your package manager: $packages"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "run this as root once: apt-get install $packages"
        as_root=(sudo)
    fi
    say "Installing missing system packages: $packages"
    "${as_root[@]}" apt-get update -qq
    # shellcheck disable=SC2086  # a list of words
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
}

# What the environment was made from: when it changes, pip runs again; otherwise the start is immediate.
fingerprint() { cat pyproject.toml resources/constraints.txt "$0" | sha256sum | cut -d' ' -f1; }

install_project() {
    local target=$1 mark=.venv/installed stamp
    stamp=$(fingerprint)
    # An environment with the development tools serves the plain verbs too.
    if [ -x .venv/bin/depthstudio ] && grep -qxE "$stamp ($target|dev)" "$mark" 2>/dev/null; then return 0; fi
    say "Installing DepthStudio into .venv (a few minutes the first time)"
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint resources/constraints.txt --editable ".$([ "$target" = plain ] || echo "[$target]")"
    echo "$stamp $target" >"$mark"
}

verb=${1:-gui}
python=$(find_python)
install_system_packages
case "$verb" in
install) install_project dev ;;
test)
    install_project dev
    shift
    exec .venv/bin/python -m pytest "$@"
    ;;
*)
    install_project plain
    exec .venv/bin/depthstudio "$@"
    ;;
esac
