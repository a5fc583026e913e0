#!/usr/bin/env bash
# `cmake --preset release` with LibTorches that cannot be used: each is answered with one sentence and the way out, and
# nothing else. A CUDA build of LibTorch on a machine without the CUDA toolkit can be used.
#
#   HETERODYNE_BUILT_WITH   a LibTorch that can be used
set -euo pipefail

source_tree=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
num_failed=0

# A tree without .deps, and a python3 without torch: nothing is found unless it is named.
mkdir -p "$scratch/tree" "$scratch/bin"
cp -r "$source_tree/cmake" "$source_tree/CMakeLists.txt" "$source_tree/CMakePresets.json" "$scratch/tree/"
ln -s "$source_tree"/{cli,configs,heterodyne,tests,tools,LICENSE} "$scratch/tree/"
printf '#!/bin/sh\nexit 1\n' >"$scratch/bin/python3"
chmod +x "$scratch/bin/python3"

# libtorch NAME VERSION: a made-up LibTorch.
libtorch() {
  local root=$scratch/$1 number
  mkdir -p "$root/lib" "$root/include/torch/headeronly" "$root/include/torch/csrc/api/include/torch"
  touch "$root/include/torch/csrc/api/include/torch/types.h" "$root/lib/libtorch_cpu.so" "$root/lib/libc10.so"
  IFS=. read -ra number <<<"$2"
  printf '#define TORCH_VERSION_%s\n' "MAJOR ${number[0]}" "MINOR ${number[1]}" "PATCH ${number[2]}" \
    >"$root/include/torch/headeronly/version.h"
}

# configure [-DX=Y...]: leaves $status, and what was said, on one line, in $output.
configure() {
  status=0
  rm -rf "$scratch/build"
  output=$(cd "$scratch/tree" && env -u CUDA_HOME -u CUDA_PATH -u CMAKE_PREFIX_PATH PATH="$scratch/bin:/usr/bin:/bin" \
    cmake --preset release -B "$scratch/build" "$@" 2>&1) || status=$?
  output=$(tr -s ' \n' ' ' <<<"$output")
}

complain() {
  printf 'FAILED %s: %s\n%s\n' "$test" "$1" "$output" >&2
  num_failed=$((num_failed + 1))
}

readonly way_out="Run tools/setup, which puts the CPU build of PyTorch into .deps/venv, or pass -DTORCH_ROOT=/path/to/torch."
# refused SENTENCE: configuring stopped there, with that and the way out.
refused() {
  [ "$status" != 0 ] || complain "was accepted"
  [[ $output == *"heterodyne: $1. $way_out"* ]] || complain "does not say: heterodyne: $1. $way_out"
  [ "$(grep -o 'CMake Error' <<<"$output" | wc -l)" = 1 ] || complain "there is more than one error"
}

test="no LibTorch"
configure
refused "LibTorch was not found"

test="a folder that is none"
mkdir "$scratch/empty"
configure -DTORCH_ROOT="$scratch/empty"
refused "$scratch/empty (from TORCH_ROOT) is not a LibTorch: it has no include/torch/csrc/api/include/torch/types.h"

test="half a LibTorch"
libtorch half 2.13.0
rm "$scratch/half/lib/libc10.so"
configure -DTorch_DIR="$scratch/half/share/cmake/Torch"
refused "$scratch/half (from Torch_DIR) is not a LibTorch: it has no lib/libc10.so"

test="too old"
libtorch old 2.10.1
configure -DTORCH_ROOT="$scratch/old"
refused "LibTorch 2.10.1 at $scratch/old (from TORCH_ROOT) is outside the supported range >=2.11,<2.15"

test="too new"
libtorch new 2.15.0
configure -DCMAKE_PREFIX_PATH="$scratch/new/share/cmake"
refused "LibTorch 2.15.0 at $scratch/new (from CMAKE_PREFIX_PATH) is outside the supported range >=2.11,<2.15"

test="a CUDA build without the toolkit"
mkdir -p "$scratch/cuda/lib" "$scratch/cuda/share/cmake/Torch"
ln -s "$HETERODYNE_BUILT_WITH/include" "$scratch/cuda/include"
ln -s "$HETERODYNE_BUILT_WITH"/lib/*.so* "$scratch/cuda/lib/"
touch "$scratch/cuda/lib/libtorch_cuda.so" "$scratch/cuda/lib/libc10_cuda.so"
echo 'message(FATAL_ERROR "CUDA toolkit not found")' >"$scratch/cuda/share/cmake/Torch/TorchConfig.cmake"
configure -DCMAKE_PREFIX_PATH="$scratch/cuda"
[ "$status" = 0 ] || complain "was refused"
[[ $output == *"$scratch/cuda, CUDA libraries: TRUE"* ]] || complain "does not say that it has CUDA libraries"

if [ "$num_failed" -gt 0 ]; then exit 1; fi
echo "install_without_a_compiler_fight_test: ok"
