#!/usr/bin/env bash
# Tests tools/setup and tools/setup_ci on a machine made of fakes: a scratch tree, and a PATH that holds fake package
# tools beside the few real programs it needs. No network, nothing changes outside the scratch folder.
# shellcheck disable=SC2016  # the bodies of the fakes are expanded when they run
set -euo pipefail

source_tree=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
num_failed=0

# machine: a new one, with every package installed and LibTorch not yet fetched.
machine() {
  rm -rf "${scratch:?}"/*
  mkdir -p "$scratch/tree/tools" "$scratch/bin"
  cp "$source_tree"/tools/{setup,setup_ci,packages.sh,find_torch} "$scratch/tree/tools/"
  local name
  for name in awk bash cat cp df dirname env flock grep id mkdir rm tail touch; do
    ln -s "$(command -v "$name")" "$scratch/bin/$name"
  done
  : >"$scratch/calls"
  sed -n '/^readonly packages=/,/)$/p' "$source_tree"/tools/setup{,_ci} | sed 's/readonly packages=(//; s/)//' |
    tr -s ' \n' '\n' | grep . >"$scratch/installed"
  fake dpkg-query 'while read -r name; do echo "$name installed"; done <"$SCRATCH/installed"'
  fake apt-get 'echo "apt-get $*" >>"$SCRATCH/calls"
    if [[ " $* " == *" install "* ]]; then
      for name; do case $name in -* | install) ;; *) echo "$name" >>"$SCRATCH/installed" ;; esac; done
    fi'
  fake id 'echo 0'
  fake df 'echo header; echo "/dev/x 99000000 1 99000000 1% /"'
  fake python3 'case "$1" in --version) echo "Python 3.11.2"; exit ;; esac
    [ "$1 $2" = "-m venv" ] || exit 1
    echo "python3 $*" >>"$SCRATCH/calls"
    mkdir -p "$3/bin"; cp "$SCRATCH/bin/pip-of-venv" "$3/bin/python"'
  # What stands in .deps/venv/bin/python: "-m pip install ... torch==VERSION".
  fake pip-of-venv 'echo "pip $*" >>"$SCRATCH/calls"
    echo "WARNING: something of no interest" >&2
    lib=$(dirname "$0")/../lib/python3.11/site-packages/torch/lib
    mkdir -p "$lib"; touch "$lib/libtorch_cpu.so"'
}

# fake NAME BODY
fake() {
  rm -f "$scratch/bin/$1"
  printf '#!%s\n%s\n' "$(command -v bash)" "$2" >"$scratch/bin/$1"
  chmod +x "$scratch/bin/$1"
}

uninstall() { sed -i "/^$1\$/d" "$scratch/installed"; }
fetch_torch() { setup; : >"$scratch/calls"; }

# setup [NAME=VALUE...] [--check]: runs it; leaves $status and $output. The same for setup_ci.
setup() { run setup "$@"; }
setup_ci() { run setup_ci "$@"; }
run() {
  local program=$1
  shift
  status=0
  local settings=() arguments=() word
  for word; do case $word in *=*) settings+=("$word") ;; *) arguments+=("$word") ;; esac; done
  output=$(env -i PATH="$scratch/bin" SCRATCH="$scratch" PYTHON="$scratch/bin/python3" ${settings[@]+"${settings[@]}"} \
    "$scratch/tree/tools/$program" ${arguments[@]+"${arguments[@]}"} 2>&1) || status=$?
}

is() { [ "$status" = "$1" ] || complain "exit status $status, expected $1"; }
says() { [[ $output == *"$1"* ]] || complain "does not say: $1"; }
is_silent_about() { [[ $output != *"$1"* ]] || complain "says: $1"; }
called() { grep -qF -- "$1" "$scratch/calls" || complain "did not call: $1"; }
called_nothing() { [ ! -s "$scratch/calls" ] || complain "called: $(cat "$scratch/calls")"; }
complain() {
  printf 'FAILED %s: %s\n%s\n' "$test" "$1" "$output" >&2
  num_failed=$((num_failed + 1))
}

test="does nothing when all is there"
machine; fetch_torch; setup
is 0; says "ready: LibTorch"; called_nothing

test="is quick when all is there"
start=$(date +%s%N); setup; took=$((($(date +%s%N) - start) / 1000000))
[ "$took" -lt 300 ] || complain "took $took ms"

test="installs what is missing"
machine; uninstall mold; uninstall g++; setup
is 0; called "apt-get -q -o DPkg::Lock::Timeout=300 update"; called "install -y --no-install-recommends g++ mold"
called "--no-deps --no-compile torch==2.13.0+cpu"; is_silent_about WARNING
setup --check; is 0

test="--check names everything and changes nothing"
machine; uninstall mold; setup --check
is 1; says "missing Debian packages: mold"; says "apt-get install -y --no-install-recommends mold"
says "missing: LibTorch"; called_nothing; [ ! -e "$scratch/tree/.deps" ] || complain "made .deps"

test="HETERODYNE_NO_APT leaves apt-get alone"
machine; uninstall mold; setup HETERODYNE_NO_APT=1
is 1; says "missing Debian packages: mold"; says "run as root: apt-get update && apt-get install"; called_nothing

test="a user without rights learns whom to ask"
machine; uninstall mold; fake id 'echo 1000'; fake sudo 'exit 1'; setup
is 1; says "ask an administrator to run: apt-get update && apt-get install -y --no-install-recommends mold"
called_nothing

test="sudo without a password is used"
machine; uninstall mold; fake id 'echo 1000'
fake sudo 'if [ "$1" = -n ]; then exit; fi; echo "sudo $1" >>"$SCRATCH/calls"; exec "$@"'; setup
is 0; called "sudo apt-get"

test="no network for apt-get"
machine; uninstall mold; fake apt-get 'echo "Could not resolve mirror" >&2; exit 100'; setup
is 1; says "Could not resolve mirror"; says "apt-get update failed"; says "missing Debian packages: mold"
says ".deps/setup.log"

test="a package that apt-get does not know"
machine; uninstall mold
fake apt-get '[[ " $* " != *" install "* ]] || { echo "E: Unable to locate package mold" >&2; exit 100; }'; setup
is 1; says "Unable to locate package mold"; says "apt-get install failed; missing Debian packages: mold"

test="a Debian system without apt-get"
machine; uninstall mold; rm "$scratch/bin/apt-get"; setup
is 1; says "missing Debian packages: mold"; says "apt-get was not found"

test="another system"
machine; rm "$scratch/bin/dpkg-query"; setup
is 1; says "not a Debian system"; says "libtomlplusplus-dev"; says "HETERODYNE_NO_APT=1"
setup HETERODYNE_NO_APT=1; is 0

test="the package index does not answer"
machine; fake pip-of-venv 'echo "ERROR: no matching distribution" >&2; exit 1'; setup
is 1; says "no matching distribution"; says "pip could not install torch"
says "HETERODYNE_TORCH=/path/to/torch tools/setup"
setup --check; is 1

test="an interrupted fetch is begun again"
machine; fake pip-of-venv 'touch "$(dirname "$0")/half"; kill -9 $PPID'; setup
[ "$status" != 0 ] || complain "was not interrupted"
[ -e "$scratch/tree/.deps/venv/bin/half" ] || complain "did not get far enough"
fake pip-of-venv 'mkdir -p "$(dirname "$0")/../lib/python3.11/site-packages/torch/lib"'; setup
is 0; [ ! -e "$scratch/tree/.deps/venv/bin/half" ] || complain "kept the unfinished folder"

test="an index that has only the CUDA build"
machine; fake pip-of-venv 'echo "pip $*" >>"$SCRATCH/calls"; [[ "$*" != *+cpu* ]] || exit 1
  lib=$(dirname "$0")/../lib/python3.11/site-packages/torch/lib
  mkdir -p "$lib"; touch "$lib/libtorch_cpu.so" "$lib/libtorch_cuda.so"'; setup
is 0; says "only the CUDA build"; says "3 GB"
[ "$(grep -c 'torch==[0-9.]*$' "$scratch/calls")" = 2 ] || complain "did not fetch the CUDA libraries"

test="too little disk"
machine; fake df 'echo header; echo "/dev/x 99000000 1 1000000 1% /"'; setup
is 1; says "1000 MB are free"

test="a LibTorch of the user's own is not fetched"
for setting in HETERODYNE_TORCH=own TORCH_ROOT=own Torch_DIR=own/share/cmake/Torch \
  CMAKE_PREFIX_PATH=/nowhere:own/share/cmake; do
  machine; mkdir -p "$scratch/own/lib" "$scratch/own/share/cmake/Torch"
  touch "$scratch/own/lib/libtorch_cpu.so"
  setup "${setting/own/$scratch/own}"
  is 0; says "ready: LibTorch in $scratch/own"; called_nothing
done

test="a wrong LibTorch is an error"
for name in HETERODYNE_TORCH TORCH_ROOT Torch_DIR; do
  machine; setup "$name=/nowhere"
  is 1; says "$name=/nowhere is not a LibTorch: it has no lib/libtorch_cpu.so"; called_nothing
done

test="an unknown argument is an error"
machine; setup --chekc
is 1; says "usage: tools/setup [--check]"
setup_ci --check
is 1; says "usage: tools/setup_ci"

test="setup_ci installs what is missing, and nothing when all is there"
machine; uninstall chromium; setup_ci
is 0; called "install -y --no-install-recommends chromium"; called "pip -m pip install"; called "tensorboard=="
: >"$scratch/calls"; setup_ci
is 0; says "ready: TensorBoard"; called_nothing

test="setup_ci says what it could not fetch"
machine; fake pip-of-venv 'echo "ERROR: no matching distribution" >&2; exit 1'; setup_ci
is 1; says "no matching distribution"; says "pip could not install TensorBoard"; says ".deps/ci.log"
machine; uninstall doxygen; setup_ci HETERODYNE_NO_APT=1
is 1; says "setup_ci: missing Debian packages: doxygen"; called_nothing

if [ "$num_failed" -gt 0 ]; then
  echo "$num_failed failed" >&2
  exit 1
fi
echo "setup_test: ok"
