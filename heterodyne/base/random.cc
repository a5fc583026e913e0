#include "heterodyne/base/random.h"

#include <cmath>
#include <numbers>
#include <tuple>

#include "heterodyne/base/error.h"
#include "heterodyne/base/parallel.h"
#include "heterodyne/base/random_cpu.h"

namespace heterodyne {
namespace {

constexpr int64_t kGrain = 1 << 14;  // draws a thread takes at least

// FNV-1a over the bytes of the name.
uint64_t hash_of(std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return hash;
}

// The finaliser of SplitMix64: every input bit moves every output bit.
uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

// Box and Muller (1958); the first uniform is moved off zero.
std::tuple<float, float> normal_pair(float uniform0, float uniform1) {
  const double radius = std::sqrt(-2 * std::log(static_cast<double>(uniform0) + 0x1p-25));
  const double angle = 2 * std::numbers::pi * static_cast<double>(uniform1);
  return {static_cast<float>(radius * std::cos(angle)), static_cast<float>(radius * std::sin(angle))};
}

}  // namespace

// In double: the middle of the last step, 1 - 2^-25, is 1 in float32, and the logarithm of its logarithm infinite.
float gumbel_of(float uniform) {
  return static_cast<float>(-std::log(-std::log(static_cast<double>(uniform) + 0x1p-25)));
}

RandomStream::RandomStream(std::string_view name) : name_hash_(hash_of(name)) {}

std::array<uint32_t, 2> RandomStream::philox_key(uint64_t seed) const {
  const uint64_t key = mixed(name_hash_ + mixed(seed + 0x9E3779B97F4A7C15));
  return {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)};
}

torch::Tensor RandomStream::uniform(RandomKey key, torch::IntArrayRef sizes) const {
  auto draws = torch::empty(sizes, torch::kFloat32);
  float* out = draws.data_ptr<float>();
  const internal::PhiloxRow row{philox_key(key.seed), 0, key.step};
  parallel_for(0, draws.numel(), kGrain, [&](int64_t begin, int64_t end) {
    internal::philox_uniform(row, static_cast<uint64_t>(begin), static_cast<uint64_t>(end), out + begin);
  });
  return draws;
}

torch::Tensor RandomStream::normal(RandomKey key, torch::IntArrayRef sizes) const {
  auto draws = torch::empty(sizes, torch::kFloat32);
  float* out = draws.data_ptr<float>();
  const int64_t count = draws.numel();
  // Elements 2j and 2j + 1 are the two normals made from uniforms 2j and 2j + 1.
  const auto pair_draws = uniform(key, {count + count % 2});
  const float* in = pair_draws.data_ptr<float>();
  parallel_for(0, (count + 1) / 2, kGrain / 4, [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) {
      const auto [first, second] = normal_pair(in[2 * j], in[2 * j + 1]);
      out[2 * j] = first;
      if (2 * j + 1 < count) out[2 * j + 1] = second;
    }
  });
  return draws;
}

torch::Tensor RandomStream::normal_rows(RandomKey key, const torch::Tensor& row_N, int64_t width) const {
  auto draws = uniform_rows(key, row_N, width + width % 2);
  float* values = draws.data_ptr<float>();
  parallel_for(0, draws.numel() / 2, kGrain / 4, [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) {
      std::tie(values[2 * j], values[2 * j + 1]) = normal_pair(values[2 * j], values[2 * j + 1]);
    }
  });
  return draws.narrow(1, 0, width);
}

torch::Tensor RandomStream::uniform_rows(RandomKey key, const torch::Tensor& row_N, int64_t width) const {
  const auto rows = row_N.to(torch::kCPU, torch::kInt64).contiguous();
  auto draws = torch::empty({rows.size(0), width}, torch::kFloat32);
  float* out = draws.data_ptr<float>();
  const int64_t* ids = rows.data_ptr<int64_t>();
  const auto stream_key = philox_key(key.seed);
  parallel_for(0, rows.size(0), kGrain / std::max<int64_t>(width, 1) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const internal::PhiloxRow row{stream_key, static_cast<uint64_t>(ids[n]), key.step};
      internal::philox_uniform(row, 0, static_cast<uint64_t>(width), out + n * width);
    }
  });
  return draws;
}

torch::Tensor RandomStream::gumbel_rows(RandomKey key, const torch::Tensor& row_N, int64_t width) const {
  auto draws = uniform_rows(key, row_N, width);
  float* values = draws.data_ptr<float>();
  parallel_for(0, draws.numel(), kGrain / 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) values[i] = gumbel_of(values[i]);
  });
  return draws;
}

uint64_t RandomStream::below(RandomKey key, uint64_t row, uint64_t bound) const {
  HETERODYNE_DCHECK(bound > 0);
  const auto bits = internal::philox({0, static_cast<uint32_t>(row), static_cast<uint32_t>(key.step),
                                      static_cast<uint32_t>(key.step >> 32) ^ static_cast<uint32_t>(row >> 32)},
                                     philox_key(key.seed));
  const uint64_t number = uint64_t{bits[0]} << 32 | bits[1];
  // The high half of a 64 x 64 bit product: uniform to 1 part in 2^64 / bound (Lemire 2019, without rejection).
  return static_cast<uint64_t>((static_cast<unsigned __int128>(number) * bound) >> 64);
}

}  // namespace heterodyne
