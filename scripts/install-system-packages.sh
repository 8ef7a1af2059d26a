#!/usr/bin/env bash
# Installs the system libraries the package links with or loads, where they are missing. Quiet when nothing is.
#
#   scripts/install-system-packages.sh          install what is missing
#   scripts/install-system-packages.sh --check  only say what is missing; exit 1 if anything is
set -euo pipefail

# What is needed | pkg-config module, or a header, or a library to load (macOS has its own) | Debian package | Homebrew formula | for
needs='
zlib|zlib|zlib.h|zlib1g-dev|zlib|deflated records inside checkpoints
libdeflate|libdeflate|libdeflate.h|libdeflate-dev|libdeflate|checksums of archives
xxHash|libxxhash|xxhash.h|libxxhash-dev|xxhash|tensor digests
OpenSSL|libcrypto|openssl/evp.h|libssl-dev|openssl@3|SHA-256
libpng|libpng|png.h|libpng-dev|libpng|PNG images
TurboJPEG|libturbojpeg|turbojpeg.h|libturbojpeg0-dev|jpeg-turbo|JPEG images
LAPACK|lapack|liblapack.so.3|libopenblas0|lapack|matrix decompositions of the metrics
KISS FFT|kissfft-float|kissfft/kiss_fft.h|libkissfft-dev|kissfft|Fourier transforms of the operators
'

say() { printf '%s\n' "$*" >&2; }

# Homebrew keeps some formulae out of pkg-config's default path.
if command -v brew >/dev/null; then
    prefix=$(brew --prefix)
    for formula in zlib openssl@3; do
        PKG_CONFIG_PATH="$prefix/opt/$formula/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
    done
    export PKG_CONFIG_PATH
fi

has_library() {
    local module=$1 header=$2 folder
    if command -v pkg-config >/dev/null && pkg-config --exists "$module" 2>/dev/null; then return 0; fi
    if [[ $header == *.so.* ]]; then
        [ "$(uname)" = Darwin ] || [[ $(PATH=$PATH:/sbin:/usr/sbin ldconfig -p) == *"$header"* ]]
        return
    fi
    for folder in /usr/include /usr/local/include "/usr/include/$(uname -m)-linux-gnu" ${prefix:+"$prefix/include"}; do
        [ -e "$folder/$header" ] && return 0
    done
    return 1
}

apt_missing=()
brew_missing=()
if ! command -v pkg-config >/dev/null; then
    say "missing: pkg-config, which tells the compiler where libraries are"
    apt_missing+=(pkg-config)
    brew_missing+=(pkg-config)
fi
while IFS='|' read -r name module header apt brew purpose; do
    [ -n "$name" ] || continue
    has_library "$module" "$header" && continue
    say "missing: $name, for $purpose"
    apt_missing+=("$apt")
    brew_missing+=("$brew")
done <<<"$needs"

[ ${#apt_missing[@]} -gt 0 ] || exit 0
if [ "${1:-}" = --check ]; then exit 1; fi

if command -v apt-get >/dev/null; then
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            say "Run as root: apt-get install --no-install-recommends ${apt_missing[*]}"
            exit 69
        fi
        as_root=(sudo)
    fi
    say "installing with apt-get: ${apt_missing[*]}"
    install=("${as_root[@]+"${as_root[@]}"}" env DEBIAN_FRONTEND=noninteractive
        apt-get install -y -q --no-install-recommends "${apt_missing[@]}")
    # The package lists may be old or absent; they are fetched only when the first try fails.
    if ! "${install[@]}" >/dev/null 2>&1; then
        "${as_root[@]+"${as_root[@]}"}" apt-get update -q >/dev/null
        "${install[@]}" >/dev/null
    fi
elif command -v brew >/dev/null; then
    say "installing with Homebrew: ${brew_missing[*]}"
    brew install --quiet "${brew_missing[@]}"
else
    say "Neither apt-get nor Homebrew is here. Install these libraries with their headers: ${apt_missing[*]}"
    exit 69
fi
