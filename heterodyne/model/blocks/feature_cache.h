// Features of pictures that a frozen part of a network computes: each picture is computed once, and found again by what
// it shows.
//
// Letters: B pictures.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <vector>

#include "heterodyne/base/torch.h"

namespace heterodyne {

class FeatureCache {
 public:
  using Compute = std::function<torch::Tensor(const torch::Tensor& input)>;
  using Digest = std::array<uint64_t, 2>;

  /// `compute` gives features [B, ...] of inputs [B, ...], each of its own input alone, without gradients. No more is
  /// kept from `max_bytes` of features on.
  FeatureCache(Compute compute, int64_t max_bytes) : compute_(std::move(compute)), max_bytes_(max_bytes) {}

  /// Features of each input, the same bits whatever others come with it: unknown ones are computed in groups of one
  /// size. `from` are the tensors that `compute` reads beside its input; when one has changed, nothing that was kept is
  /// used.
  torch::Tensor features_of(const torch::Tensor& input, const std::vector<torch::Tensor>& from);

  int64_t num_kept() const { return static_cast<int64_t>(kept_.size()); }

 private:
  struct Version {
    const void* at;
    int64_t version;
    bool operator==(const Version&) const = default;
  };

  Compute compute_;
  int64_t max_bytes_, bytes_ = 0;
  std::vector<Version> versions_;         // of what features were computed with
  std::map<Digest, torch::Tensor> kept_;  // by what the input shows
};

}  // namespace heterodyne
