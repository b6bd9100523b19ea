#!/usr/bin/env bash
# Installs the Debian packages that the tests named *.debian.test.ts, those of real guests and of the interface need.
# As root, or through sudo. Does nothing, quickly, when all are there.
set -euo pipefail

packages=(
  make gcc-riscv64-unknown-elf binutils-riscv64-unknown-elf # samples and fixtures; objdump and readelf as oracles
  qemu-system-misc opensbi                                  # the machine that ours is compared with
  gdb-multiarch                                             # an oracle for symbols, stacks and values
  u-boot-qemu e2fsprogs xz-utils debian-archive-keyring     # guests of other people, and a disk for them
  device-tree-compiler                                      # reads the device trees that we write
  chromium fonts-liberation                                 # runs VS Code for the interface tests, with legible text
)

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "install-debian-packages: all ${#packages[@]} packages are installed"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install-debian-packages: missing ${missing[*]}; run this as root, or install sudo" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "install-debian-packages: installing ${missing[*]}"
"${as_root[@]}" apt-get update --quiet
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends "${missing[@]}"
