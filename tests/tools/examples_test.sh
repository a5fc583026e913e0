#!/usr/bin/env bash
# The library as an outside project meets it: installs the build folder into a scratch prefix, moves that prefix, builds
# examples/ against it and checks what they print. The build folder must hold everything.
#
#   HETERODYNE_BUILD   what is installed        HETERODYNE_BUILT_WITH   its LibTorch
set -euo pipefail

source_tree=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'wait; rm -rf "$scratch"' EXIT
prefix=$scratch/moved

fail() { printf 'examples_test: %s\n' "$*" >&2; exit 1; }

# configure PROJECT [-DX=Y...]: leaves its text in $output.
configure() {
  local project=$1
  shift
  output=$(cmake -S "$source_tree/examples/$project" -B "$scratch/build/$project" -G Ninja \
    -DCMAKE_CXX_COMPILER_LAUNCHER="$source_tree/tools/ccache" -DCMAKE_PREFIX_PATH="$prefix" "$@" 2>&1)
}

# build PROJECT: in the background of its caller.
build() {
  configure "$1" -DTORCH_ROOT="$HETERODYNE_BUILT_WITH" && output=$(cmake --build "$scratch/build/$1" 2>&1) ||
    { printf '%s\n' "$output" | tail -n 20 >&2; fail "$1 does not build"; }
}

# expect_loss_falls NAME: what it prints ends with a lower loss than it begins with, and shares that make up 1.
expect_loss_falls() {
  local said
  said=$("$scratch/build/$1/$1") || fail "$1 ended with an error"
  awk '$1 == "step" && $3 == "loss" { if (!first) first = $4; last = $4 }
    / load / { sum = 0; for (i = NF; $i != "load"; --i) sum += $i }
    END { exit !(last < 0.8 * first && sum > 0.98 && sum < 1.02) }' <<<"$said" ||
    { printf '%s\n' "$said" >&2; fail "$1: the loss does not fall, or the loads are no shares"; }
}

cmake --install "$HETERODYNE_BUILD" --prefix "$scratch/first" >"$scratch/install.log" 2>&1 ||
  { tail -n 5 "$scratch/install.log" >&2; fail "cannot be installed"; }
mv "$scratch/first" "$prefix"
if grep -rlF -e "$source_tree" -e "$scratch/first" "$prefix/lib/cmake" "$prefix/include"; then
  fail "these installed files name the tree or the prefix"
fi
find "$prefix/include" -name '*.h' | grep -E '/(fixtures|cases|gradient_check)\.h$' && fail "headers of tests are installed"
(cd "$source_tree" && git ls-files 'heterodyne/*.h') | while IFS= read -r header; do
  case $header in
    */fixtures.h | */cases.h | */gradient_check.h) ;;
    *) [ -f "$prefix/include/$header" ] || fail "$header is not installed" ;;
  esac
done

if configure embed -DTORCH_ROOT=/nowhere; then fail "a wrong LibTorch is not noticed"; fi
output=$(tr -s ' \n' ' ' <<<"$output")
[[ $output == *"/nowhere (from TORCH_ROOT) is not a LibTorch"* && $output == *"pass -DTORCH_ROOT=/path/to/torch"* ]] ||
  fail "a wrong LibTorch is answered with: $output"

build custom_router & first=$!
build custom_expert & second=$!
heterodyne=$prefix/bin/heterodyne
"$heterodyne" train synthetic/dmmoe --set data.examples=600 --set train.epochs=1 --out "$scratch/run" \
  >"$scratch/train.log" 2>&1 || { tail -n 5 "$scratch/train.log" >&2; fail "the installed program does not train"; }
wait "$first"
build embed
wait "$second"

expect_loss_falls custom_router
expect_loss_falls custom_expert

embedded=$("$scratch/build/embed/embed" "$scratch/run") || fail "embed ended with an error"
[ "$(grep -c '^image . .*logits' <<<"$embedded")" = 4 ] || fail "embed prints no logits: $embedded"
evaluated=$("$heterodyne" eval "$scratch/run" --format json)
python3 - "$embedded" "$evaluated" <<'PYTHON' || fail "embed and eval differ: $embedded"
import json, re, sys
got = re.search(r"accuracy (\S+)  loss (\S+)  over 1000 images", sys.argv[1])
wanted = json.loads(sys.argv[2])["metrics"]
assert abs(float(got[1]) - wanted["accuracy"]) < 1e-6, wanted
assert abs(float(got[2]) - wanted["loss"]) < 1e-5, wanted  # batches of another size sum in another order
PYTHON
echo "examples_test: ok"
