// The only header that includes LibTorch. It is precompiled once and reused by every room, so it holds what most
// files need and hardly ever changes: editing it rebuilds everything. A source that needs one particular layer,
// optimizer or ATen header includes that single header itself.
#pragma once

#include <torch/autograd.h>
#include <torch/nn/module.h>
#include <torch/types.h>
