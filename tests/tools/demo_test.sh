#!/usr/bin/env bash
# Tests tools/demo: what it does with the run folder that an earlier demonstration left, in a scratch tree with a fake
# program that writes down how it was called.
# shellcheck disable=SC2016  # the bodies of the fakes are expanded when they run
set -euo pipefail

source_tree=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
num_failed=0

# fake FILE BODY
fake() {
  mkdir -p "$(dirname "$scratch/$1")"
  printf '#!/usr/bin/env bash\n%s\n' "$2" >"$scratch/$1"
  chmod +x "$scratch/$1"
}

# demo STATE: a run folder in that state ("none": no folder), then the demonstration. Leaves $status and $calls.
demo() {
  rm -rf "$scratch/runs" "$scratch/calls"
  case $1 in
    none) ;;
    "no state") mkdir -p "$scratch/runs/demo" ;;
    *) mkdir -p "$scratch/runs/demo"; echo "$1" >"$scratch/runs/demo/state" ;;
  esac
  status=0
  "$scratch/tools/demo" >/dev/null 2>&1 || status=$?
  calls=$(paste -sd '|' "$scratch/calls")
}

expect() {
  [ "$calls" = "$2" ] && [ "$status" = "$3" ] && return
  printf 'FAILED %s: got %s, exit status %s\n' "$1" "$calls" "$status" >&2
  num_failed=$((num_failed + 1))
}

mkdir -p "$scratch/tools"
cp "$source_tree/tools/demo" "$scratch/tools/"
fake tools/setup 'echo setup >>calls'
fake tools/build 'echo "build $*" >>calls'
fake build/release/heterodyne 'folder=kept; [ -e runs/demo ] || folder=new; echo "$* ($folder)" >>calls'

start="setup|build release heterodyne|train configs/demo.toml --out runs/demo (new)|eval runs/demo (new)"
resume="setup|build release heterodyne|train --resume runs/demo (kept)|eval runs/demo (kept)"
demo none; expect "a first time starts" "$start" 0
demo interrupted; expect "an interrupted run goes on" "$resume" 0
demo "interrupted step 40"; expect "only the first word of the state counts" "$resume" 0
for state in "done" failed running "" "no state"; do
  demo "$state"; expect "'$state' starts anew" "$start" 0
done

fake build/release/heterodyne 'echo "$1" >>calls; exit 130'
demo none; expect "an interruption ends it" "setup|build release heterodyne|train" 130

fake tools/setup 'echo setup >>calls; exit 1'
demo none; expect "without its needs it does not begin" "setup" 1

if [ "$num_failed" -gt 0 ]; then exit 1; fi
echo "demo_test: ok"
