#!/usr/bin/env bash
# Builds the sample kernel and the test fixtures with Debian's riscv64-unknown-elf-gcc.
#   build-samples.sh           writes the committed files anew
#   build-samples.sh --check   builds them in a temporary folder, compares byte by byte, exits 1 on a difference
# The results do not depend on the folder, the user or the time.
set -euo pipefail
export LC_ALL=C

cc=riscv64-unknown-elf-gcc
strip=riscv64-unknown-elf-strip
repository=$(cd "$(dirname "$0")/.." && pwd)
mode=${1-}
if [ "$mode" != "" ] && [ "$mode" != --check ]; then
  echo "usage: build-samples.sh [--check]" >&2
  exit 2
fi
if ! command -v "$cc" >/dev/null; then
  echo "build-samples: $cc is missing; run scripts/install-debian-packages.sh" >&2
  exit 1
fi

# Everything is built from copies of the sources, in a folder laid out like the repository.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
files=()

build_teaching_kernel() {
  local folder=samples/teaching-kernel
  mkdir -p "$work/$folder"
  cp -r "$repository/$folder"/{Makefile,kernel.ld,kernel,user} "$work/$folder"
  make --silent -C "$work/$folder" kernel.elf
  files+=("$folder/kernel.elf")
}

# fixture NAME BASE OPTION... SOURCE...: links NAME.elf at address BASE, or by the linker script of that name.
fixture() {
  local name=$1 base=$2 script=(-Wl,--defsym="fixture_base=$2" -T src/fixture.ld)
  case $base in *.ld) script=(-T "$base") ;; esac
  shift 2
  (
    cd "$work/test/fixtures"
    # Two steps, so that no temporary file name gets into the symbol table.
    local option objects=() options=()
    for option; do
      case $option in
        *.c | *.S) objects+=("${option##*/}.$name.o") ;;
        *) options+=("$option") ;;
      esac
    done
    for option; do
      case $option in
        *.c | *.S)
          "$cc" "${options[@]}" -ffreestanding -fno-pic -fno-common -fno-ident -fno-stack-protector -mcmodel=medany \
            -ffile-prefix-map="$PWD=." -Wa,--debug-prefix-map="$PWD=." -Wall -Wextra -Werror \
            -c "$option" -o "${option##*/}.$name.o"
          ;;
      esac
    done
    "$cc" "${options[@]}" -nostdlib -static -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments \
      "${script[@]}" -o "$name.elf" "${objects[@]}"
  )
  files+=("test/fixtures/$name.elf")
}

# stripped NAME FROM STRIP_OPTION: NAME.elf is FROM.elf without what the option says.
stripped() {
  "$strip" "$3" -o "$work/test/fixtures/$1.elf" "$work/test/fixtures/$2.elf"
  files+=("test/fixtures/$1.elf")
}

build_fixtures() {
  local rv64=(-march=rv64imac_zicsr_zifencei -mabi=lp64)
  local rv32=(-march=rv32imac_zicsr_zifencei -mabi=ilp32)
  local kernel=0x80200000 firmware=0x80000000
  mkdir -p "$work/test/fixtures"
  cp -r "$repository/test/fixtures/src" "$work/test/fixtures"

  fixture dwarf4 $kernel "${rv64[@]}" -gdwarf-4 -O2 -fomit-frame-pointer -fasynchronous-unwind-tables \
    src/start.S src/calls.c
  fixture dwarf5 $kernel "${rv64[@]}" -gdwarf-5 -Og -fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
    -fno-unwind-tables src/start.S src/calls.c
  stripped no-debug-info dwarf5 --strip-debug
  stripped stripped dwarf5 --strip-all
  fixture harts $kernel "${rv64[@]}" -gdwarf-5 -Og -fno-omit-frame-pointer src/harts.S src/harts.c
  fixture rv32 $kernel "${rv32[@]}" src/rv32.S
  local name
  for name in segment-outside entry-outside jump-to-nowhere loop-interrupts-off overwrite-page-table; do
    fixture $name $kernel "${rv64[@]}" -gdwarf-5 src/$name.S
  done
  fixture nested src/nested/nested.ld "${rv64[@]}" -gdwarf-5 -Og -fno-jump-tables -fno-asynchronous-unwind-tables \
    -fno-unwind-tables src/nested/{start.S,hypervisor.c,guest-start.S,guest.c}
  fixture machine-mode-pass $firmware "${rv64[@]}" -gdwarf-5 -DFINISH=0x5555 src/machine-mode.S
  fixture machine-mode-fail $firmware "${rv64[@]}" -gdwarf-5 -DFINISH=0x33333 src/machine-mode.S
}

build_teaching_kernel
build_fixtures

if [ "$mode" = --check ]; then
  different=()
  for file in "${files[@]}"; do
    cmp -s "$work/$file" "$repository/$file" || different+=("$file")
  done
  if [ ${#different[@]} -gt 0 ]; then
    echo "build-samples: not as built from the sources by $("$cc" --version | head -1):" \
      "${different[*]}; run npm run build:samples" >&2
    exit 1
  fi
  echo "build-samples: all ${#files[@]} committed files are as built from their sources"
else
  for file in "${files[@]}"; do cp "$work/$file" "$repository/$file"; done
  echo "build-samples: wrote ${#files[@]} files"
fi
