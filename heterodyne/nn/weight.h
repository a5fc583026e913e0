// Weight: a matrix that multiplies activations, whatever way it lies in memory.
//
// Who builds layers, loads checkpoints, merges or splits experts sees matrix() and assign(); only ops see storage.
#pragma once

#include <optional>
#include <string>

#include "heterodyne/base/torch.h"
#include "heterodyne/ops/compact/compact_matrix.h"

namespace heterodyne::nn {

class Weight {
 public:
  Weight() = default;
  /// Registers matrix_OI, [outputs, inputs], as the parameter `name` of `owner`.
  Weight(torch::nn::Module& owner, const std::string& name, const torch::Tensor& matrix_OI);

  /// [outputs, inputs], the parameter itself: its gradient is the parameter's. Throws Error when it is compact.
  const torch::Tensor& matrix() const;
  /// Copies values of any dtype, without a gradient; compact ones are made compact anew. Throws ShapeError unless the
  /// shape is equal.
  void assign(const torch::Tensor& matrix_OI);

  int64_t num_outputs() const { return matrix_OI_.size(0); }
  int64_t num_inputs() const { return matrix_OI_.size(1); }
  int64_t num_values() const { return matrix_OI_.numel(); }

  /// The matrix as ops multiply by it best (ops/panels.h), made when first asked for and again after the matrix has
  /// changed. Undefined while gradients are recorded, when it would serve a single step and is packed in passing, where
  /// no kernel reads it, and where such copies would take too much of the memory (memory_claim.h).
  torch::Tensor panels() const;

  /// From here on in half or a quarter of the memory (ops/compact/compact_matrix.h), and learns nothing. The parameter
  /// keeps its shape and its name; its values are gone, and NaN is read in their place. Throws ShapeError unless it is
  /// float32.
  void compact(ops::Compact format);
  /// Null unless compact() was called.
  const ops::CompactPointer& compact_matrix() const { return compact_; }

  /// From here on products use the matrix rounded to `format`, made anew after each change; the parameter stays in
  /// float32, and learns as if it were not rounded (straight-through; Micikevicius et al. 2018, section 3.1). Throws
  /// ShapeError unless it is float32, Error when it is compact.
  void round_to(ops::Compact format);
  bool is_rounded() const { return rounds_to_.has_value(); }

  /// As one of the matrices of ops::ExpertMlp: the matrix or its shape, its panels, or what is in their place.
  struct Operand {
    torch::Tensor matrix_OI, panels;
    ops::CompactPointer compact;
  };
  Operand operand() const;

  /// x_NI times the transposed matrix: [N, outputs]. Leading dimensions may be any.
  torch::Tensor apply(const torch::Tensor& x_NI, const torch::Tensor& bias_O = {}) const;

 private:
  bool is_read_by_few(const torch::Tensor& x_NI) const;
  const ops::CompactPointer& rounded() const;

  // Where the matrix lay that something was made of, and which version of it this was.
  struct Source {
    const void* from = nullptr;
    uint32_t version = 0;
    bool operator==(const Source&) const = default;
  };
  Source source() const;
  struct Packed {
    torch::Tensor panels;
    Source source;
  };
  struct Rounded {
    ops::CompactPointer matrix;
    Source source;
  };

  torch::Tensor matrix_OI_;
  ops::CompactPointer compact_;
  std::optional<ops::Compact> rounds_to_;
  mutable Packed packed_;  // caches of matrix_OI_
  mutable Rounded rounded_;
};

}  // namespace heterodyne::nn
