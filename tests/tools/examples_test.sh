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

# What users ask for, 15: a converted model with unequal experts is loaded by an outside program and goes on with a text;
# with all experts at work its logits are those of the dense model, recorded with another library.
generates() {
  local text said expected i=0
  mkdir "$scratch/ask_15" && cd "$scratch/ask_15"
  for ((i = 0; i < 300; ++i)); do echo "the cat sat on the mat. the dog sat on log $i."; done >text.txt
  cat >dense.toml <<'TOML'
name = "dense"
data = { kind = "text_lm", path = "text.txt", batch = 8, length = 16, validation = 0.1 }
model = { kind = "llama", width = 16, layers = 2, heads = 2, dense = { kind = "swiglu", hidden = 48 } }
train = { epochs = 1, optimizer = { kind = "adamw", lr = 0.01 } }
TOML
  cat >experts.toml <<'TOML'
model = "dense"
out = "moe"
experts = 4
sequences = 16
partition = { kind = "hemoe", modules = 24, ratio = 4 }
router = { kind = "top_k", k = 2, weights = "one" }
TOML
  "$heterodyne" train dense.toml --out dense >train.log 2>&1 && "$heterodyne" convert run experts.toml >>train.log 2>&1 ||
    { tail -n 5 train.log >&2; fail "the installed program does not convert"; }
  said=$("$scratch/build/generate/generate" moe "the cat sat" 12) || fail "generate ended with an error"
  text=$("$heterodyne" run moe -p "the cat sat" --tokens 12 --temperature 0 2>/dev/null)
  [ "the cat sat$(sed -n 2p <<<"$said")" = "$text" ] || fail "generate and run differ: $said, $text"
  said=$("$scratch/build/generate/generate" moe "the cat sat" 12x 2>&1) && fail "a number that is none is taken"
  [ "$said" = 'generate: error: TOKENS: expected a whole number of at least 0, got "12x"' ] || fail "answered with: $said"

  local data=${HETERODYNE_DATA:-}
  [ -d "$source_tree/../shared/data" ] && data=$source_tree/../shared/data
  if [ ! -f "$data/models/stories260K/expected.json" ]; then
    echo "logits of another library: skipped: no data"
    return
  fi
  "$heterodyne" import "$data/models/stories260K" stories >import.log 2>&1 || { cat import.log >&2; fail "import"; }
  sed -e 's/"dense"/"stories"/' -e 's/k = 2/k = 4/' -e 's/modules = 24/modules = 43/' -e 's/"moe"/"parts"/' \
    -e '/sequences/a domains = [{ kind = "text_lm", path = "text.txt", length = 16, batch = 4, tokenizer = { kind = "file", path = "'"$data"'/models/stories260K/tokenizer.json" } }]' \
    experts.toml >parts.toml
  "$heterodyne" convert run parts.toml >parts.log 2>&1 || { tail -n 5 parts.log >&2; fail "convert of stories260K"; }
  for ((i = 0; i < 3; ++i)); do
    expected=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[int(sys.argv[2])]["prompt"])' \
      "$data/models/stories260K/expected.json" "$i")
    said=$("$scratch/build/generate/generate" parts "$expected" 60) || fail "generate of stories260K"
    python3 - "$data/models/stories260K/expected.json" "$i" "$said" <<'PYTHON' || fail "recorded otherwise: $said"
import json, sys
wanted = json.load(open(sys.argv[1]))[int(sys.argv[2])]
logits, text = sys.argv[3].split("\n", 1)
got = [float(number) for number in logits.split()[1:]]
assert max(abs(a - b) for a, b in zip(got, wanted["last_logits_first8"], strict=True)) < 2e-4, got  # four decimals each
assert text.rsplit("\n", 1)[0] == wanted["greedy_text"], text
PYTHON
  done
}

build custom_router & first=$!
build custom_expert & second=$!
heterodyne=$prefix/bin/heterodyne
"$heterodyne" train synthetic/dmmoe --set data.examples=600 --set train.epochs=1 --out "$scratch/run" \
  >"$scratch/train.log" 2>&1 || { tail -n 5 "$scratch/train.log" >&2; fail "the installed program does not train"; }
wait "$first"
build embed & first=$!
wait "$second"
build generate
wait "$first"

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
(generates)
echo "examples_test: ok"
