#!/usr/bin/env bash
# Builds the sample kernel and the test fixtures with Debian's riscv64-unknown-elf-gcc.
#   build-samples.sh           writes the committed files anew
#   build-samples.sh --check   builds into a temporary folder, compares byte by byte, exits 1 on a difference
# The results do not depend on the folder, the user or the time.
set -euo pipefail
export LC_ALL=C SOURCE_DATE_EPOCH=0

repository=$(cd "$(dirname "$0")/.." && pwd)
cc=riscv64-unknown-elf-gcc
if ! command -v "$cc" >/dev/null; then
  echo "build-samples: $cc is missing; run scripts/install-debian-packages.sh" >&2
  exit 1
fi
case "${1-}" in
  '' | --check) ;;
  *) echo "usage: build-samples.sh [--check]" >&2; exit 2 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Builds everything from copies of the sources, below $work.
cp -r "$repository/samples/teaching-kernel" "$work/teaching-kernel"
rm -rf "$work/teaching-kernel/out" "$work/teaching-kernel/kernel.elf"
make --silent -C "$work/teaching-kernel" kernel.elf
files=(samples/teaching-kernel/kernel.elf)
mkdir -p "$work/built/samples/teaching-kernel"
cp "$work/teaching-kernel/kernel.elf" "$work/built/samples/teaching-kernel/"

if [ "${1-}" = --check ]; then
  different=()
  for file in "${files[@]}"; do
    cmp -s "$work/built/$file" "$repository/$file" || different+=("$file")
  done
  if [ ${#different[@]} -gt 0 ]; then
    echo "build-samples: not as built from the sources by $($cc --version | head -1): ${different[*]}; run npm run build:samples" >&2
    exit 1
  fi
  echo "build-samples: all ${#files[@]} committed files are as built from the sources"
else
  for file in "${files[@]}"; do
    mkdir -p "$(dirname "$repository/$file")"
    cp "$work/built/$file" "$repository/$file"
  done
  echo "build-samples: wrote ${#files[@]} files"
fi
