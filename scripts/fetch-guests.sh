#!/usr/bin/env bash
# Fetches the guests of other people that `npm run test:guests` boots, from Debian's packages: Linux for riscv64 with its modules,
# busybox, and the Debian installer. Nothing is installed: apt runs with lists, sources and a cache of its own. What was
# fetched is kept in ${XDG_CACHE_HOME:-~/.cache}/hypocaust/guests, checked each time, and used again; delete it for newer versions.
# Prints the folder that holds the files.
set -euo pipefail

suite=trixie
architecture=riscv64
cache="${XDG_CACHE_HOME:-$HOME/.cache}/hypocaust/guests/$suite-$architecture"
files="$cache/files"
# Each after those that it needs.
modules=(
  drivers/virtio/virtio_mmio
  drivers/block/virtio_blk lib/crc16 crypto/crc32c_generic lib/libcrc32c fs/mbcache fs/jbd2/jbd2 fs/ext4/ext4
  net/core/failover drivers/net/net_failover drivers/net/virtio_net
  drivers/char/hw_random/virtio-rng
  fs/netfs/netfs net/9p/9pnet net/9p/9pnet_virtio fs/9p/9p
)

fail() {
  echo "fetch-guests: $*" >&2
  exit 1
}

# Files that were unpacked are as they were then.
complete() {
  [ -f "$files/SHA256SUMS" ] && (cd "$files" && sha256sum --check --quiet --strict SHA256SUMS) >/dev/null 2>&1
}

if complete; then
  echo "$files"
  exit 0
fi
for tool in apt-get apt-cache dpkg-deb xz; do
  command -v "$tool" >/dev/null || fail "needs $tool: the guests come from Debian's packages, on Debian or a system made of it"
done

# The mirror that this machine uses for Debian itself.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep --extended-regexp '/debian/?$' | head --lines=1 || true)
[ -n "$mirror" ] || fail "apt's sources name no mirror of Debian (an address that ends in /debian)"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keyring" ] || fail "needs the package debian-archive-keyring, whose keys Debian's package lists are signed with"

mkdir --parents "$cache"
work=$(mktemp --directory "$cache/fetch.XXXXXX")
trap 'rm --recursive --force "$work"' EXIT
mkdir --parents "$work"/{lists/partial,cache/archives/partial,debs,unpacked,files}
touch "$work/status"
printf 'deb [arch=%s signed-by=%s] %s %s main\n' "$architecture" "$keyring" "$mirror" "$suite" >"$work/sources.list"
private=(
  -oAPT::Architecture="$architecture" -oAPT::Architectures="$architecture"
  -oDir::State::Lists="$work/lists" -oDir::State::status="$work/status" -oDir::Cache="$work/cache"
  -oDir::Etc::sourcelist="$work/sources.list" -oDir::Etc::sourceparts=/dev/null
  -oAPT::Sandbox::User= -oAcquire::Languages=none -oAcquire::Retries=3
)
apt-get "${private[@]}" --quiet=2 update >&2 || fail "the package lists of $suite cannot be read; is the network there?"

# The newest kernel that is signed as a real one: not a debugging or cloud flavour.
kernel=$(apt-cache "${private[@]}" pkgnames linux-image-6.12 |
  grep --extended-regexp "^linux-image-6\.12\.[0-9+.deb]+-$architecture\$" | sort --version-sort | tail --lines=1 || true)
[ -n "$kernel" ] || fail "$suite has no package linux-image-6.12 for $architecture"
installer=$(apt-cache "${private[@]}" pkgnames debian-installer- |
  grep --extended-regexp "^debian-installer-[0-9]+-netboot-$architecture\$" | sort --version-sort | tail --lines=1 || true)
[ -n "$installer" ] || fail "$suite has no package of the installer for $architecture"

echo "fetch-guests: downloading $kernel, busybox-static and $installer" >&2
(cd "$work/debs" && apt-get "${private[@]}" --quiet=2 download "$kernel" busybox-static "$installer") >&2 ||
  fail 'the packages cannot be downloaded'
for package in "$work"/debs/*.deb; do dpkg-deb --extract "$package" "$work/unpacked"; done

# Only what tests need, under plain names; modules unpacked, as busybox wants them.
take() { # NAME PATTERN: the file that a pattern of paths names
  local name=$1 found
  found=$(cd "$work/unpacked" && compgen -G "$2" | head --lines=1 || true)
  [ -n "$found" ] || fail "the packages hold no $2"
  case $found in
    *.xz) xz --decompress --stdout "$work/unpacked/$found" >"$work/files/$name" ;;
    *) cp "$work/unpacked/$found" "$work/files/$name" ;;
  esac
}
take linux 'boot/vmlinu[xz]-6.12.*'
take busybox '*/bin/busybox'
take installer-linux 'usr/lib/debian-installer/images/*/riscv64/text/debian-installer/riscv64/linux'
take installer-initrd.gz 'usr/lib/debian-installer/images/*/riscv64/text/debian-installer/riscv64/initrd.gz'
mkdir "$work/files/modules"
for module in "${modules[@]}"; do take "modules/$(basename "$module").ko" "usr/lib/modules/*/kernel/$module.ko*"; done

(cd "$work/files" && find . -type f ! -name SHA256SUMS -print0 | sort --zero-terminated | xargs --null sha256sum >SHA256SUMS)
rm --recursive --force "$files"
mv "$work/files" "$files"
echo "$files"
