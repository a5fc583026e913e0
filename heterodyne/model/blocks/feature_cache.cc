#include "heterodyne/model/blocks/feature_cache.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace heterodyne {
namespace {

constexpr int64_t kGroup = 16;  // inputs that are computed at once

// 128 bits, multiplied and turned words in two lanes (after Appleby's MurmurHash3). Made for pictures, and not against
// somebody who wants two of them to be taken for one.
FeatureCache::Digest digest_of(const torch::Tensor& input) {
  constexpr uint64_t kFirst = 0x87c37b91114253d5, kSecond = 0x4cf5ad432745937f;
  const auto* bytes = static_cast<const char*>(input.const_data_ptr());
  const size_t size = input.nbytes();
  FeatureCache::Digest digest{size, ~size};
  for (size_t at = 0; at < size; at += 2 * sizeof(uint64_t)) {
    uint64_t words[2] = {};
    std::memcpy(words, bytes + at, std::min(sizeof words, size - at));
    digest[0] = std::rotl(digest[0] ^ std::rotl(words[0] * kFirst, 31) * kSecond, 27) + digest[1];
    digest[1] = std::rotl(digest[1] ^ std::rotl(words[1] * kSecond, 33) * kFirst, 31) + digest[0];
    digest[0] = digest[0] * 5 + 0x52dce729;
    digest[1] = digest[1] * 5 + 0x38495ab5;
  }
  for (uint64_t& half : digest) {
    half = (half ^ half >> 33) * 0xff51afd7ed558ccd;
    half = (half ^ half >> 33) * 0xc4ceb9fe1a85ec53;
    half ^= half >> 33;
  }
  return digest;
}

// A group that is not full ends with its first input again and again.
torch::Tensor filled_up(const std::vector<torch::Tensor>& inputs) {
  auto group = inputs;
  group.resize(kGroup, inputs.front());
  return torch::stack(group);
}

}  // namespace

torch::Tensor FeatureCache::features_of(const torch::Tensor& input, const std::vector<torch::Tensor>& from) {
  const torch::NoGradGuard no_grad;
  std::vector<Version> versions;
  for (const auto& tensor : from)
    versions.push_back({tensor.const_data_ptr(), static_cast<int64_t>(tensor._version())});
  if (versions != versions_) {
    versions_ = std::move(versions);
    kept_.clear();
    bytes_ = 0;
  }
  const auto inputs = input.detach().contiguous().unbind(0);
  std::vector<torch::Tensor> features(inputs.size());
  std::vector<Digest> digests;
  std::vector<size_t> unknown;
  for (size_t i = 0; i < inputs.size(); ++i) {
    digests.push_back(digest_of(inputs[i]));
    const auto found = kept_.find(digests.back());
    if (found != kept_.end()) features[i] = found->second;
    else unknown.push_back(i);
  }
  for (size_t first = 0; first < unknown.size(); first += kGroup) {
    const size_t count = std::min(static_cast<size_t>(kGroup), unknown.size() - first);
    std::vector<torch::Tensor> group;
    for (size_t i = 0; i < count; ++i) group.push_back(inputs[unknown[first + i]]);
    const auto computed = compute_(filled_up(group));
    for (size_t i = 0; i < count; ++i) {
      const size_t at = unknown[first + i];
      features[at] = computed[static_cast<int64_t>(i)].clone();  // of its own memory, not a part of the group's
      const auto size = static_cast<int64_t>(features[at].nbytes());
      if (bytes_ + size > max_bytes_) continue;
      if (kept_.emplace(digests[at], features[at]).second) bytes_ += size;
    }
  }
  return features.empty() ? compute_(input.detach()) : torch::stack(features);
}

}  // namespace heterodyne
