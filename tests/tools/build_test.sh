#!/usr/bin/env bash
# Tests tools/build with a fake cmake that writes down how it was called.
# shellcheck disable=SC2016  # the bodies of the fakes are expanded when they run
set -euo pipefail

source_tree=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
num_failed=0

mkdir -p "$scratch/tree/tools" "$scratch/bin"
cp "$source_tree/tools/build" "$source_tree/tools/find_torch" "$scratch/tree/tools/"
touch -d '1 hour ago' "$scratch/tree/CMakePresets.json"

# fake_cmake BODY: what it does when it configures, after writing down its call.
fake_cmake() {
  printf '#!%s\n%s\n' "$(command -v bash)" 'echo "$*" >>"$CALLS"; [ "$1" = --preset ] || exit 0
    folder=build/$2
    for word; do
      case $word in -DTORCH_ROOT=*) echo "TORCH_ROOT:PATH=${word#*=}" >"$folder/CMakeCache.txt" ;; esac
    done
    '"$1" >"$scratch/bin/cmake"
  chmod +x "$scratch/bin/cmake"
}

# expect WHAT CALLS STATUS [NAME=VALUE...] -- ARGUMENTS: runs tools/build and compares the calls of cmake.
expect() {
  local what=$1 calls=$2 wanted=$3 status=0 settings=() got
  shift 3
  while [ "$1" != -- ]; do settings+=("$1"); shift; done
  shift
  rm -f "$scratch/calls"
  touch "$scratch/calls"
  output=$(env -i PATH="$scratch/bin:/usr/bin:/bin" CALLS="$scratch/calls" CMAKE_BUILD_PARALLEL_LEVEL=3 \
    ${settings[@]+"${settings[@]}"} "$scratch/tree/tools/build" "$@" 2>&1) || status=$?
  got=$(paste -sd '|' "$scratch/calls")
  if [ "$got" = "$calls" ] && [ "$status" = "$wanted" ]; then return; fi
  printf 'FAILED %s: exit status %s, cmake was called with: %s\n%s\n' "$what" "$status" "$got" "$output" >&2
  num_failed=$((num_failed + 1))
}

fake_cmake 'echo "much talk"; touch "$folder/build.ninja"'
build="--build build/dev --parallel 3"
expect "the first time configures" "--preset dev|$build" 0 -- dev
[[ $output != *talk* ]] || { echo "FAILED: configuring is not quiet" >&2; num_failed=$((num_failed + 1)); }
expect "the second time only builds" "$build --target a b" 0 -- dev a b
expect "--configure does not build" "" 0 -- --configure dev
expect "settings always configure" "--preset dev -DX=1" 0 -- --configure dev -DX=1

touch -d '1 hour' "$scratch/tree/CMakePresets.json"
expect "changed presets configure" "--preset dev|$build" 0 -- dev
touch -d '1 hour ago' "$scratch/tree/CMakePresets.json"

mkdir -p "$scratch/own/lib"
touch "$scratch/own/lib/libtorch_cpu.so"
own="--preset dev -DTORCH_ROOT=$scratch/own"
expect "another LibTorch configures" "$own|$build" 0 "TORCH_ROOT=$scratch/own" -- dev
expect "the same LibTorch does not" "$build" 0 "HETERODYNE_TORCH=$scratch/own" -- dev
expect "a wrong LibTorch ends it" "" 1 TORCH_ROOT=/nowhere -- dev

fake_cmake 'echo "CMake Error: no"; exit 1'
expect "a failure ends it" "--preset dev -DX=2" 1 -- --configure dev -DX=2
[[ $output == *"CMake Error: no"* ]] || { echo "FAILED: a failure is not shown" >&2; num_failed=$((num_failed + 1)); }
expect "and the next time configures again" "--preset dev" 1 -- dev
expect "no preset is a mistake" "" 2 --

if [ "$num_failed" -gt 0 ]; then exit 1; fi
echo "build_test: ok"
