// Shape: checks of tensor shapes, with messages that speak in the letters of the header at hand.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "heterodyne/base/torch.h"

namespace heterodyne {

/// One expected dimension: a number, a letter that may be anything ("T"), or a letter with its value ("D", 128).
struct Dim {
  Dim(const char* any_size) : letter(any_size) {}
  Dim(int64_t exact_size) : size(exact_size) {}
  Dim(const char* name, int64_t exact_size) : letter(name), size(exact_size) {}

  std::string letter;
  int64_t size = -1;
};

/// "[64, 256]", or "none" for an undefined tensor.
std::string shape_text(const torch::Tensor& tensor);

/// Throws ShapeError "[where] what: expected [T, 512], got [64, 256]" unless the sizes fit.
void check_shape(const std::string& where, const std::string& what, const torch::Tensor& tensor,
                 std::initializer_list<Dim> expected);

}  // namespace heterodyne
