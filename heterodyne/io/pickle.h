// Pickles that hold tensors and nothing else: files of torch.save(), .pth and .bin, read without executing anything.
//
// A pickle is a program for a small stack machine. Those instructions are known here that build dictionaries, lists,
// tuples, numbers and text, and the few names that PyTorch writes for tensors; every other instruction or name is
// refused, whatever it would do.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "heterodyne/base/torch.h"

namespace heterodyne::io {

/// The tensors of the file, in its order, by their keys; in dictionaries inside of it by dotted keys:
/// "state_dict.head.weight". Other values, the number of an epoch for instance, are left out. Throws FormatError, with
/// the byte offset where there is one: it is no such file, is damaged, names anything that is no part of a tensor, or a
/// tensor reaches over the end of its values.
std::vector<std::pair<std::string, torch::Tensor>> read_pickled_tensors(const std::string& path);

}  // namespace heterodyne::io
