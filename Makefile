# Thin: each rule calls scripts in tools/, which can be called without make as well.
#
#   make          builds all, with the tests          make check    format, rooms, sizes, headers, docs, spelling
#   make demo     trains and evaluates a small model  make format   formats the C++ files
#   make test     builds and runs every test          make lint     clang-tidy on what changed; ALL=1: on everything
#   make bench    builds and runs the benchmarks      make docs     the documentation site, in build/docs/site
#   make clean    removes build/
#
# With a LibTorch of your own: make test TORCH_ROOT=/path/to/torch
preset ?= dev

.PHONY: build setup demo test bench check docs format lint clean

build: setup
	@tools/build $(preset)

setup:
	@tools/setup

demo:
	@tools/demo

test: build
	@ctest --preset $(preset)

bench: setup
	@tools/bench

check: setup
	@tools/check

docs: setup
	@tools/docs

format:
	@tools/format

lint: setup
	@tools/lint $(if $(ALL),--all)

clean:
	rm -rf build
